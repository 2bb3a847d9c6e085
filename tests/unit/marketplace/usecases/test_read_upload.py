"""Reading finds jobs and row errors, or says why the file cannot be read; it happens once and imports nothing."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta

import pytest

from marketplace.models import Job, Upload
from marketplace.usecases.read_upload import read_upload
from marketplace.usecases.upload_queue import upload_queue
from tests.unit.marketplace.usecases.market import NOW

HEADER = b"id,arrival,deadline,duration,power_kw\n"
GOOD = b"a,2024-01-16T14:00Z,2024-01-16T20:00Z,3600,50\n"
BAD = b"b,2024-01-16 14:00,2024-01-16T20:00Z,3600,-5\n"


def read(site, content, filename="queue.csv", **wishes):
    made = upload_queue(site=site, user=None, filename=filename, content=content, now=NOW, **wishes)
    return read_upload(upload_id=made.pk, now=NOW + timedelta(seconds=3))


def test_a_clean_file_waits_for_review(site):
    upload = read(site, HEADER + GOOD)
    assert (upload.state, upload.rows_total, upload.row_errors) == ("NEEDS_REVIEW", 1, [])
    assert upload.read_at == NOW + timedelta(seconds=3)
    (job,) = upload.jobs
    assert (job["id"], job["duration_s"], job["power_kw"]) == ("a", 3600, 50)
    assert not Job.objects.exists()


def test_every_bad_row_names_row_column_value_and_fix(site):
    upload = read(site, HEADER + GOOD + BAD)
    assert (upload.state, upload.rows_total, len(upload.jobs)) == ("NEEDS_REVIEW", 2, 1)
    assert upload.row_errors
    for error in upload.row_errors:
        assert error["row"] == 3
        assert all(error[key] for key in ("column", "value", "problem", "fix"))


@pytest.mark.parametrize(
    ("content", "filename"),
    [
        (b"\x00\x01\x02 not a table", "queue.csv"),
        (HEADER, "queue.csv"),
        (b"one,two\n1,2\n", "queue.csv"),
        (b"PK\x03\x04 zip", "queue.xlsx"),
        (b"\x1f\x8bbroken", "queue.csv.gz"),
        (b"PAR1 broken", "queue.parquet"),
        (b"{", "queue.jsonl"),
    ],
)
def test_a_file_that_is_no_queue_fails_in_words(site, content, filename):
    upload = read(site, content, filename)
    if upload.state != "FAILED":  # JSON Lines reads line by line, so its one broken line is a row error
        assert upload.row_errors
        assert not upload.jobs
    else:
        assert len(upload.error) > 20


def test_what_was_filled_in_is_an_assumption_with_its_label(site):
    content = b"id,arrival_time[s],length[s],cpus\na,60,3600,4\n"
    upload = read(
        site, gzip.compress(content), "trace.csv.gz", slack=timedelta(hours=6), epoch=datetime(2024, 1, 15, tzinfo=UTC)
    )
    assert upload.state == "NEEDS_REVIEW"
    (job,) = upload.jobs
    # 4 CPUs at 0.015 kW under a PUE of 1.25 are 75 W.
    assert job["power_kw"] == pytest.approx(0.075)
    assert job["deadline_label"] == "ASSUMED"
    assert all(one["label"] and one["why"] and one["value"] for one in upload.assumptions)
    assert len(upload.assumptions) >= 2


@pytest.mark.parametrize("state", ["NEEDS_REVIEW", "IMPORTED", "DISCARDED", "FAILED"])
def test_only_a_received_file_is_read(site, state):
    made = upload_queue(site=site, user=None, filename="queue.csv", content=HEADER + GOOD, now=NOW)
    Upload.objects.update(state=state)
    upload = read_upload(upload_id=made.pk, now=NOW)
    assert (upload.state, upload.jobs, upload.read_at) == (state, [], None)
