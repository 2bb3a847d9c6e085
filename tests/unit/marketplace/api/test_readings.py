"""Readings by JSON and by file: the forms that are taken, and what is said of those that are not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from marketplace.models import ExportReading, MeterFile, MeterReading
from tests.unit.marketplace.api.routes import READING, meter_file
from tests.unit.marketplace.web.world import NOW, World

CSV = b"date,period,direction,unit,value\n2024-01-16,21,IMPORT,kWh,410\n"


def post(program: Any, world: World, **changes: Any) -> Any:
    return program(world.operator).post(f"/sites/{world.site.slug}/readings", {**READING, **changes})


def test_quarters_of_export_by_their_ends_become_one_half_hour(world: World, program: Any) -> None:
    ends = [{"end": f"2024-01-16T12:{minute}:00Z", "value": "1.5"} for minute in (15, 30)]
    status, body = post(program, world, direction="EXPORT", unit="kWh", minutes=15, readings=ends)
    assert (status, body) == (201, {"received": 2, "recorded": 1})
    assert ExportReading.objects.get(site=world.site).export_wh == 3000


def test_a_settlement_period_and_a_quality(world: World, program: Any) -> None:
    row = {"date": "2024-01-16", "period": 25, "value": 0.4, "quality": "SUSPECT"}
    assert post(program, world, direction="IMPORT", unit="MWh", readings=[row])[0] == 201
    kept = MeterReading.objects.filter(site=world.site).latest("known_at")
    assert (kept.start_at, kept.import_wh, kept.quality) == (NOW.replace(hour=12, minute=0), 400_000, "SUSPECT")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"direction": "IMPORT", "readings": [{"start": "2024-01-16T12:00:00Z", "value": 1}]},
            "unit of 'value' is not said",
        ),
        ({"readings": [{"date": "2024-01-16", "period": 49, "import_wh": 1}], "small": True}, "1 to 48"),
        ({"readings": [{"import_wh": 400000}]}, "neither date and period nor a time"),
        ({"readings": [{"start": "2024-01-16T12:00:00Z", "import_wh": 400}]}, "nearly idle"),
        ({"minutes": 20}, "not a valid choice"),
    ],
)
def test_what_is_not_said_or_cannot_be_is_refused_in_words(
    world: World, program: Any, change: dict[str, Any], words: str
) -> None:
    status, answer = post(program, world, **change)
    assert status == 422
    assert words in str(answer)
    assert answer["fix"]


def test_every_problem_stands_in_the_answer(world: World, program: Any) -> None:
    rows = [{"start": f"2024-01-16T12:{minute}:00Z", "import_wh": 1} for minute in ("01", "02")]
    _, answer = post(program, world, readings=rows)
    assert [(one["field"], one["value"][:22]) for one in answer["errors"]] == [
        ("readings[0].start", "2024-01-16 12:01:00+00"),
        ("readings[1].start", "2024-01-16 12:02:00+00"),
    ]


def test_readings_are_listed_as_they_were_known(world: World, program: Any) -> None:
    post(program, world)
    MeterReading.objects.filter(site=world.site).update(known_at=NOW - timedelta(minutes=5))
    post(program, world, readings=[{**READING["readings"][0], "import_wh": 411000}])  # type: ignore[dict-item]
    path = f"/sites/{world.site.slug}/readings"
    asked = {"start": "2024-01-16T12:00:00Z", "end": "2024-01-16T12:30:00Z"}
    operator = program(world.operator)

    def values(**more: str) -> list[int]:
        return [row["import_wh"] for row in operator.get(path, **asked, **more)[1]["results"]]

    assert values() == [410000, 411000]
    assert values(known_at="2024-01-16T13:09:00Z") == [410000]
    assert values(known_at="2024-01-16T13:10:00Z") == [411000]
    assert values(known_at="2024-01-16T13:00:00Z") == []


def test_a_file_is_kept_with_what_was_said_and_can_be_cancelled(world: World, program: Any) -> None:
    operator, path = program(world.operator), f"/sites/{world.site.slug}/reading-files"
    fields = {"source": "meter", "label": "MEASURED", "minutes": "30"}
    sent = operator.call("POST", path, data={"file": SimpleUploadedFile("d.csv", CSV), **fields}, format="multipart")
    assert (sent.status_code, sent.json()["state"]) == (201, "RECEIVED")
    file = MeterFile.objects.get(pk=sent.json()["id"])
    assert bytes(file.content) == CSV
    assert file.said == {"direction": "", "unit": "", "zone": "", "edge": "", "minutes": 30, "small": False}
    assert [one["id"] for one in operator.get(path)[1]["results"]] == [file.pk]
    assert operator.post(f"/reading-files/{file.pk}/cancel")[1]["state"] == "CANCELLED"
    MeterFile.objects.filter(pk=file.pk).update(state="IMPORTED")
    status, answer = operator.post(f"/reading-files/{file.pk}/cancel")
    assert (status, answer["code"]) == (409, "FILE_DONE")


def test_a_refused_file_says_why(world: World, program: Any) -> None:
    file = meter_file(world.site)
    problem = {"row": 3, "column": "value", "value": "-1", "problem": "energy is never negative", "fix": "Send export."}
    MeterFile.objects.filter(pk=file.pk).update(state="REFUSED", problems=[problem], problems_total=21)
    body = program(world.operator).get(f"/reading-files/{file.pk}")[1]
    assert (body["problems"], body["problems_total"]) == ([problem], 21)


def test_export_can_be_read_back_and_days_say_what_they_lack(world: World, program: Any) -> None:
    operator, path = program(world.operator), f"/sites/{world.site.slug}"
    row = {"start": "2024-01-16T12:00:00Z", "value": 3}
    post(program, world, direction="EXPORT", unit="kWh", readings=[row])
    [export] = operator.get(f"{path}/export-readings")[1]["results"]
    assert (export["start_at"], export["export_wh"]) == ("2024-01-16T12:00:00Z", 3000)
    MeterReading.objects.filter(site=world.site).delete()
    days = operator.get(f"{path}/reading-days", start="2024-01-15", end="2024-01-17")[1]
    assert [(day["day"], day["due"], day["known"]) for day in days["days"]] == [
        ("2024-01-15", 48, 0),
        ("2024-01-16", 26, 0),
    ]
    assert days["days"][0]["findings"] == [{"code": "GAP", "words": "No reading for periods 1 to 48."}]
    status, answer = operator.get(f"{path}/reading-days", start="2024-01-15", end="2024-01-15")
    assert (status, answer["errors"][0]["field"]) == (422, "end")


def test_a_rule_is_chosen_for_the_site_and_refused_where_it_cannot_be(world: World, program: Any) -> None:
    operator, path = program(world.operator), f"/sites/{world.site.slug}/estimation"
    assert operator.post(path, {"rule": "like-day-v1"})[1]["estimated"] == 0
    assert operator.post(path, {"rule": "guess-v1"})[0] == 422
    settled = world.orders["settled"].activations.get()
    status, answer = operator.post(path, {"rule": "like-day-v1", "dispatch": settled.pk})
    assert (status, answer["code"]) == (409, "NOT_WAITING")
    assert operator.post(path, {"rule": "like-day-v1", "dispatch": 10**6})[0] == 404
