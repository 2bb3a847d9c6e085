"""Sites, their queue, their plan and their meter."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from marketplace.models import Job, MeterReading, Plan, Site
from tests.unit.marketplace.api.routes import READING
from tests.unit.marketplace.web.world import NOW, START, World


def test_a_site_says_its_limits_exactly_and_how_fresh_it_is(world: World, program: Any) -> None:
    status, body = program(world.operator).get(f"/sites/{world.site.slug}")
    assert status == 200
    assert body["site"]["import_limit_kw"] == "2000.000"
    assert body["site"]["organisation"] == "aire-valley-compute"
    assert {one["name"] for one in body["freshness"]} >= {"Plan", "Meter"}
    assert body["draw"]["unit"] == "kW"
    assert body["draw"]["label"] == "FORECAST"
    assert body["draw"]["as_of"].endswith("Z")


def test_the_queue_is_filtered_by_deadline_tier_and_name(world: World, program: Any) -> None:
    operator, path = program(world.operator), f"/sites/{world.site.slug}/jobs"
    open_jobs = operator.get(path)[1]["results"]
    assert len(open_jobs) == Job.objects.filter(site=world.site, deadline_at__gt=NOW).count()
    assert [job["deadline_at"] for job in open_jobs] == sorted(job["deadline_at"] for job in open_jobs)
    assert operator.get(path, status="past")[1]["results"] == []
    batch = operator.get(path, tier="BATCH", text="batch")[1]["results"]
    assert batch
    assert all(job["tier"] == "BATCH" and "batch" in job["id"] for job in batch)


def test_a_filter_nobody_knows_is_refused(world: World, program: Any) -> None:
    status, body = program(world.operator).get(f"/sites/{world.site.slug}/jobs", stauts="past")
    assert status == 422
    assert body["errors"][0]["field"] == "stauts"
    assert "status" in body["errors"][0]["problem"]


def test_the_plan_in_force_stands_beside_first_come_first_served(world: World, program: Any) -> None:
    status, body = program(world.operator).get(f"/sites/{world.site.slug}/plan")
    plan = world.plan
    assert status == 200
    assert (body["id"], body["slots"], body["status"], body["refused"]) == (plan.pk, 96, "OPTIMAL", None)
    assert body["start_at"] == "2024-01-16T13:00:00Z"
    assert body["load_kw"] == plan.load_kw
    assert body["allocations"] == plan.allocations
    assert (body["cost_gbp"], body["fifo_carbon_kg"]) == (plan.cost_gbp, plan.fifo_carbon_kg)
    assert body["commitments"][0]["start_at"] == "2024-01-16T17:30:00Z"
    assert body["signal_sources"] == plan.signal_sources


def test_a_site_without_a_plan_says_so_with_a_null_id(world: World, program: Any) -> None:
    empty = Site.objects.get(pk=world.site.pk)
    empty.pk, empty.slug = None, "leeds-2"
    empty.save()
    status, body = program(world.operator).get("/sites/leeds-2/plan")
    assert (status, body["id"], body["load_kw"], body["refused"]) == (200, None, None, None)


def test_an_attempt_that_failed_is_shown_beside_the_plan_that_stays(world: World, program: Any) -> None:
    Plan.objects.create(
        site=world.site, state="INFEASIBLE", status="INFEASIBLE", created_at=NOW, start_at=START, slots=96,
        reasons=["Two jobs need more than the limit at 17:00."],
    )  # fmt: skip
    body = program(world.operator).get(f"/sites/{world.site.slug}/plan")[1]
    assert body["id"] == world.plan.pk
    assert body["refused"]["reasons"] == ["Two jobs need more than the limit at 17:00."]


def test_asking_for_a_plan_marks_the_site(world: World, program: Any) -> None:
    status, body = program(world.operator).post(f"/sites/{world.site.slug}/plan")
    assert (status, body["replan_requested_at"]) == (202, "2024-01-16T13:10:00Z")
    assert Site.objects.get(pk=world.site.pk).replan_requested_at == NOW


def test_readings_are_recorded_once_and_listed_with_corrections(world: World, program: Any) -> None:
    operator, path = program(world.operator), f"/sites/{world.site.slug}/readings"
    assert operator.post(path, READING) == (201, {"received": 1, "recorded": 1})
    assert operator.post(path, READING) == (201, {"received": 1, "recorded": 0})
    MeterReading.objects.filter(start_at=NOW.replace(hour=12, minute=0)).update(known_at=NOW - timedelta(minutes=1))
    corrected = {**READING, "readings": [{**READING["readings"][0], "import_wh": 411000}]}  # type: ignore[dict-item]
    assert operator.post(path, corrected)[1]["recorded"] == 1
    rows = operator.get(path, start="2024-01-16T12:00:00Z", end="2024-01-16T12:30:00Z")[1]["results"]
    assert [row["import_wh"] for row in rows] == [410000, 411000]


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"start": "2024-01-16T12:00:00"}, "readings[0].start", "2024-01-16T12:00:00"),
        ({"start": "1024-01-16T12:00:00Z"}, "readings[0].start", "1024-01-16T12:00:00Z"),
        ({"start": 12}, "readings[0].start", "12"),
        ({"import_wh": -1}, "readings[0].import_wh", "-1"),
        ({"import_wh": "many"}, "readings[0].import_wh", "many"),
        ({"import_wh": 1.5}, "readings[0].import_wh", "1.5"),
        ({"import_wh": True}, "readings[0].import_wh", "True"),
        ({"import_wh": None}, "readings[0].import_wh", ""),
        ({"export_wh": 1}, "readings[0].export_wh", "1"),
    ],
)
def test_a_reading_that_cannot_be_used_is_named(
    world: World, program: Any, change: dict[str, Any], field: str, value: str
) -> None:
    body = {**READING, "readings": [{**READING["readings"][0], **change}]}  # type: ignore[dict-item]
    status, answer = program(world.operator).post(f"/sites/{world.site.slug}/readings", body)
    assert status == 422
    [error] = answer["errors"]
    assert (error["field"], error["value"]) == (field, value)
    assert error["fix"]


def test_the_markets_own_refusal_names_the_reading_too(world: World, program: Any) -> None:
    body = {**READING, "readings": [READING["readings"][0], {"start": "2024-01-16T12:10:00Z", "import_wh": 1}]}
    status, answer = program(world.operator).post(f"/sites/{world.site.slug}/readings", body)
    assert (status, answer["code"], answer["errors"][0]["field"]) == (422, "BAD_READING", "readings[1].start")
    assert not MeterReading.objects.filter(start_at=datetime.fromisoformat("2024-01-16T12:00:00+00:00")).exists()


@pytest.mark.parametrize("readings", [[], {}, "none", None, [1], [[]], [None]])
def test_readings_are_a_list_of_objects(world: World, program: Any, readings: Any) -> None:
    status, answer = program(world.operator).post(
        f"/sites/{world.site.slug}/readings", {**READING, "readings": readings}
    )
    assert status == 422
    assert answer["errors"][0]["field"].startswith("readings")
    assert answer["errors"][0]["fix"]
