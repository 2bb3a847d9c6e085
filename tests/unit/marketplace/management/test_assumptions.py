"""What a demonstration fills in is said once with its label; the same seed gives the same numbers; bad files are named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flex_engine.compute.queue_file import QueueDefaults, parse
from marketplace.management.assumptions import (
    Assumptions,
    choose_week,
    demo_jobs,
    history_of,
    measured,
    meter_history,
    read_readings,
)
from marketplace.management.sale import StepFailedError

WEEK = datetime(2024, 3, 4, tzinfo=UTC)
PLAN = {"start_at": "2024-03-04T00:00:00Z", "load_kw": [1000.0 + slot for slot in range(336)]}
HALF_HOUR = timedelta(minutes=30)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def assumed(said: list[str]) -> Assumptions:
    return Assumptions(say=said.append)


def test_an_assumption_is_said_once_with_its_label(assumed, said):
    for _ in range(2):
        assumed.add("site_kw", "2000 kW", "Assumed", "no site size was given")
    assert said == ["          Assumed: site_kw = 2000 kW (no site size was given)"]


@pytest.mark.parametrize(
    ("text", "monday"), [("2024-02-05", (2024, 2, 5)), ("2024-02-11", (2024, 2, 5)), (None, (2024, 3, 4))]
)
def test_a_week_starts_on_its_monday(assumed, said, text, monday):
    assert choose_week(text, None, assumed) == datetime(*monday, tzinfo=UTC)
    assert bool(said) == (text is None)


def test_a_week_that_is_none_is_refused(assumed):
    with pytest.raises(StepFailedError, match="2024-02-05"):
        choose_week("next week", None, assumed)


def test_made_up_jobs_are_a_queue_file_like_any_other(assumed, said):
    name, content = demo_jobs(None, week=WEEK, seed=1, assumed=assumed)
    found = parse(content, name, defaults=QueueDefaults())
    assert (len(found.jobs), found.errors) == (300, [])
    assert "Simulated: jobs = 300" in said[0]
    assert demo_jobs(None, week=WEEK, seed=1, assumed=assumed)[1] == content
    assert demo_jobs(None, week=WEEK, seed=2, assumed=assumed)[1] != content


@pytest.mark.parametrize("path", [Path("/nowhere/queue.csv"), Path("/")])
def test_a_queue_that_is_no_file_is_refused(assumed, path):
    with pytest.raises(StepFailedError, match="is not a file"):
        demo_jobs(path, week=WEEK, seed=1, assumed=assumed)


def test_simulated_history_follows_the_plan_with_a_percent_of_noise(assumed, said):
    found = meter_history(None, plan=PLAN, until=WEEK, seed=1, assumed=assumed)
    assert len(found) == 62 * 48
    assert max(found) == WEEK - HALF_HOUR
    for start, wh in found.items():
        slot = start.weekday() * 48 + start.hour * 2 + start.minute // 30
        assert wh == pytest.approx(PLAN["load_kw"][slot] * 500, rel=0.06)
    assert found == history_of(PLAN, seed=1) != history_of(PLAN, seed=2)
    assert "Simulated: meter history" in said[0]


def test_the_later_plan_counts_where_two_overlap():
    replan = {"start_at": "2024-03-04T12:00:00Z", "load_kw": [100.0] * 48}
    found = measured([PLAN, replan], until=WEEK + timedelta(hours=14), seed=1)
    assert len(found) == 28
    assert found[WEEK + timedelta(hours=11)] > 400_000
    assert found[WEEK + timedelta(hours=12)] < 60_000


def test_readings_from_a_file_are_taken_as_they_are(tmp_path, assumed, said):
    path = tmp_path / "meter.csv"
    path.write_text("\ufeffstart,import_wh\n2024-03-03T23:30:00Z,500000\n2024-03-04T01:00:00+01:00,600000\n")
    assert read_readings(path) == {WEEK - HALF_HOUR: 500_000, WEEK: 600_000}
    assert meter_history(path, plan=PLAN, until=WEEK, seed=1, assumed=assumed) == {WEEK - HALF_HOUR: 500_000}
    assert said == []


@pytest.mark.parametrize(
    "row", ["2024-03-04T00:00:00,1", "2024-03-04T00:00Z,1.5", "2024-03-04T00:00Z,", "2024-03-04T00:00Z", "soon,1", ",1"]
)
def test_a_reading_that_cannot_be_read_is_named_by_its_row(tmp_path, row):
    path = tmp_path / "meter.csv"
    path.write_text(f"start,import_wh\n2024-03-03T23:30:00Z,1\n{row}\n")
    with pytest.raises(StepFailedError, match=r"meter\.csv, row 3: "):
        read_readings(path)


@pytest.mark.parametrize("content", [b"time,wh\n1,2\n", b"start,import_wh\n\xff\xfe,1\n"])
def test_a_readings_file_that_is_none_is_refused(tmp_path, content):
    path = tmp_path / "meter.csv"
    path.write_bytes(content)
    with pytest.raises(StepFailedError, match="Columns are start"):
        read_readings(path)
