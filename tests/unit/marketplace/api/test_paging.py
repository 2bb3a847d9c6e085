"""Lists in slices: complete, without repeats, whatever ties; and a bounded number of queries for any length."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.models import Job, MeterReading
from tests.unit.marketplace.api.conftest import API
from tests.unit.marketplace.web.world import START, World

LISTS = ["/sites", "/sites/leeds-1/jobs", "/sites/leeds-1/uploads", "/sites/leeds-1/readings", "/offers", "/orders",
         "/ledger", "/signals", "/forecasts", "/tokens"]  # fmt: skip
BUYER_LISTS = ["/searches", "/purchases"]


def walk(asker: Any, path: str, **query: Any) -> list[dict[str, Any]]:
    """Every row, slice by slice."""
    rows: list[dict[str, Any]] = []
    status, body = asker.get(path, **query)
    assert status == 200
    for _ in range(500):
        rows += body["results"]
        if body["next"] is None:
            return rows
        following = body["next"].removeprefix(f"http://testserver{API}")
        body = asker.call("GET", following).json()
    raise AssertionError("the list never ends")


@pytest.mark.parametrize("path", LISTS + BUYER_LISTS)
def test_slices_add_up_to_the_list(world: World, program: Any, path: str) -> None:
    asker = program(world.grid if path in BUYER_LISTS else world.operator)
    whole = walk(asker, path, limit=500)
    assert whole
    assert walk(asker, path, limit=3) == whole


def test_a_thousand_jobs_with_one_deadline_are_each_listed_once(world: World, program: Any) -> None:
    Job.objects.bulk_create(
        Job(site=world.site, external_id=f"tie-{i}", arrival_at=START, deadline_at=START + timedelta(days=3), duration_s=60, power_kw=1)
        for i in range(1100)
    )  # fmt: skip
    found = [job["id"] for job in walk(program(world.operator), "/sites/leeds-1/jobs", text="tie-", limit=400)]
    assert len(found) == len(set(found)) == 1100


def test_a_row_that_comes_in_meanwhile_moves_no_slice(world: World, program: Any) -> None:
    def reading(hours: int) -> MeterReading:
        start = START - timedelta(hours=hours)
        return MeterReading(site=world.site, start_at=start, import_wh=1, source="m", label="MEASURED", known_at=START)

    MeterReading.objects.bulk_create(reading(hours) for hours in range(10, 2, -1))
    asker, path = program(world.operator), "/sites/leeds-1/readings"
    since = (START - timedelta(hours=10)).isoformat()
    first = asker.get(path, limit=3, start=since)[1]
    reading(11).save()
    second = asker.call("GET", first["next"].removeprefix(f"http://testserver{API}")).json()
    assert first["results"][-1]["start_at"] < second["results"][0]["start_at"]
    assert len(second["results"]) == 3


@pytest.mark.parametrize("limit", ["0", "-1", "501", "x", "1e2", "９", ""])
def test_a_limit_that_is_none_is_refused(world: World, program: Any, limit: str) -> None:
    status, body = program(world.operator).get("/offers", limit=limit)
    assert (status, body["errors"][0]["field"]) == (422, "limit")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cursor=st.text(min_size=1, max_size=30) | st.lists(st.text(max_size=12) | st.integers() | st.none(), max_size=3).map(
    lambda place: base64.urlsafe_b64encode(json.dumps(place).encode()).decode()))  # fmt: skip
def test_a_cursor_that_is_none_is_refused(world: World, program: Any, cursor: str) -> None:
    status, body = program(world.operator).get("/offers", cursor=cursor)
    assert (status, body["errors"][0]["field"]) == (422, "cursor")


def test_a_cursor_of_another_list_is_refused(world: World, program: Any) -> None:
    asker = program(world.operator)
    cursor = asker.get("/ledger", limit=1)[1]["next"].partition("cursor=")[2].replace("%3D", "=")
    assert asker.get("/offers", cursor=cursor)[0] == 422


@pytest.mark.parametrize("path", LISTS + BUYER_LISTS + ["/messages"])
def test_a_longer_slice_takes_no_more_queries(world: World, program: Any, path: str) -> None:
    """What one row costs, a full slice costs: nothing is asked row by row."""
    asker = program(world.grid if path in BUYER_LISTS else world.operator)
    asker.get("/me")  # notes the token's use, which is written once in a while only
    counts = []
    for limit in (1, 500):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            asker.get(path, **({} if path == "/messages" else {"limit": limit}))
        counts.append(len(queries))
    assert counts[1] <= counts[0] + 1  # a prefetch of nothing is not asked at all
    assert counts[1] <= 12


@pytest.mark.parametrize(("path", "most"), [("/orders/{}", 14), ("/orders/{}/proof", 20)])
def test_one_order_takes_a_bounded_number_of_queries(
    world: World, program: Any, django_assert_max_num_queries: Any, path: str, most: int
) -> None:
    asker = program(world.operator)
    asker.get("/me")
    with django_assert_max_num_queries(most):
        asker.get(path.format(world.orders["settled"].pk))
