from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from flex_engine.compute.job import Job as EngineJob
from marketplace.api.uploads import SiteUploads
from marketplace.models import Job, Site, Upload
from tests.unit.marketplace.web.world import World

CSV = b"id,arrival,deadline,duration,power_kw\na,2024-01-16T14:00Z,2024-01-17T14:00Z,3600,100\n"


def send(program: Any, world: World, content: bytes = CSV, name: str = "queue.csv", **fields: Any) -> Any:
    path = f"/sites/{world.site.slug}/uploads"
    return program.call("POST", path, data={"file": SimpleUploadedFile(name, content), **fields}, format="multipart")


def test_a_file_is_kept_with_what_was_said_about_it(world: World, program: Any) -> None:
    response = send(program(world.operator), world, slack_hours="24.0", epoch="2024-02-05T00:00:00+00:00")
    assert response.status_code == 201
    body = response.json()
    assert (body["site"], body["filename"], body["state"], body["jobs"]) == ("leeds-1", "queue.csv", "RECEIVED", 0)
    upload = Upload.objects.get(pk=body["id"])
    assert bytes(upload.content) == CSV
    assert upload.options == {"slack_s": 86400, "epoch": "2024-02-05T00:00:00+00:00"}
    assert upload.uploaded_by == world.operator


def test_the_same_bytes_twice_are_one_upload(world: World, program: Any) -> None:
    operator = program(world.operator)
    assert send(operator, world).json()["id"] == send(operator, world).json()["id"]
    assert send(operator, world, slack_hours="3").json()["id"] != send(operator, world).json()["id"]


def test_an_upload_is_read_with_every_row_error_and_assumption(world: World, program: Any) -> None:
    status, body = program(world.operator).get(f"/uploads/{world.uploads['review'].pk}")
    assert status == 200
    assert (body["state"], body["rows_total"], body["jobs"], len(body["row_errors"])) == ("NEEDS_REVIEW", 12, 9, 3)
    assert set(body["row_errors"][0]) == {"row", "column", "value", "problem", "fix"}
    assert set(body["assumptions"][0]) == {"name", "value", "label", "why"}


def test_accepting_imports_the_jobs_and_asks_for_a_plan(world: World, program: Any) -> None:
    # The world's jobs are for pages; the engine's own writer makes the one that is imported.
    job = EngineJob.from_dict(world.uploads["clean"].jobs[0]).to_dict()
    Upload.objects.filter(pk=world.uploads["clean"].pk).update(jobs=[job])
    status, body = program(world.operator).post(f"/uploads/{world.uploads['clean'].pk}/accept", {"valid_only": False})
    assert (status, body["state"]) == (200, "IMPORTED")
    assert Job.objects.filter(site=world.site, external_id=job["id"]).exists()
    assert Site.objects.get(pk=world.site.pk).replan_requested_at is not None


def test_a_file_with_row_errors_is_imported_only_when_told_so(world: World, program: Any) -> None:
    operator, path = program(world.operator), f"/uploads/{world.uploads['review'].pk}/accept"
    status, body = operator.post(path)
    assert (status, body["code"]) == (409, "ROWS_REFUSED")
    assert Upload.objects.get(pk=world.uploads["review"].pk).state == "NEEDS_REVIEW"
    assert operator.post(path, {"valid_only": True})[0] == 200


def test_discarding_keeps_the_file_and_imports_nothing(world: World, program: Any) -> None:
    before = Job.objects.count()
    status, body = program(world.operator).post(f"/uploads/{world.uploads['review'].pk}/discard")
    assert (status, body["state"]) == (200, "DISCARDED")
    assert Job.objects.count() == before
    assert program(world.operator).post(f"/uploads/{world.uploads['imported'].pk}/discard")[0] == 409


def test_the_list_shows_every_upload_without_its_content(world: World, program: Any) -> None:
    status, body = program(world.operator).get(f"/sites/{world.site.slug}/uploads")
    assert status == 200
    assert len(body["results"]) == Upload.objects.filter(site=world.site).count()
    assert "content" not in body["results"][0]


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"slack_hours": "soon"}, "slack_hours", "Hours of deadline slack"),
        ({"slack_hours": "-1"}, "slack_hours", "Hours of deadline slack"),
        ({"slack_hours": "NaN"}, "slack_hours", "Hours of deadline slack"),
        ({"epoch": "2024-02-05"}, "epoch", "with a zone"),
        ({"epoch": "2024-02-05T00:00:00"}, "epoch", "with a zone"),
        ({"slack": "24"}, "slack", "Leave it out."),
    ],
)
def test_an_option_that_cannot_be_used_is_named_with_its_value(
    world: World, program: Any, fields: dict[str, Any], field: str, words: str
) -> None:
    response = send(program(world.operator), world, **fields)
    assert response.status_code == 422
    [error] = response.json()["errors"]
    assert (error["field"], error["value"]) == (field, fields[field])
    assert words in error["fix"]


def test_no_file_an_empty_file_and_a_text_where_a_file_belongs(world: World, program: Any) -> None:
    operator, path = program(world.operator), f"/sites/{world.site.slug}/uploads"
    missing = operator.call("POST", path, data={"slack_hours": "1"}, format="multipart").json()
    assert [error["field"] for error in missing["errors"]] == ["file"]
    text = operator.call("POST", path, data={"file": "a,b"}, format="multipart").json()
    assert [error["field"] for error in text["errors"]] == ["file"]
    assert send(operator, world, content=b"").json()["code"] == "EMPTY_FILE"


def test_json_is_not_a_file(world: World, program: Any) -> None:
    status, body = program(world.operator).post(f"/sites/{world.site.slug}/uploads", {"file": "x"})
    assert (status, body["code"]) == (415, "NOT_THIS_FORMAT")


def test_a_file_that_is_too_large_is_refused_before_it_is_read(
    world: World, program: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SiteUploads, "most_bytes", 1000)
    response = send(program(world.operator), world, content=b"x" * 2000)
    assert (response.status_code, response.json()["code"]) == (413, "TOO_LARGE")
    assert "1,000" in response.json()["detail"]
