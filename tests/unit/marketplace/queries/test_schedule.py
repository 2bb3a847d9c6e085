"""The schedule page's own arithmetic: runs, margins, held limits and totals, from the plan as stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flex_engine.timegrid import HALF_HOUR
from marketplace.models import Plan
from marketplace.queries.schedule import finish_of, locks_of, runs_of, totals

START = datetime(2024, 1, 16, 13, tzinfo=UTC)
SHARES = st.dictionaries(st.integers(0, 95), st.floats(0.01, 1.0), min_size=1, max_size=30)


@given(SHARES)
def test_runs_hold_exactly_the_work_of_the_plan(shares: dict[int, float]) -> None:
    runs = runs_of(START, [[slot, share] for slot, share in shares.items()])
    work = sum((run.end - run.start) / HALF_HOUR * run.share for run in runs)
    assert work == pytest.approx(sum(round(share, 4) for share in shares.values()))
    assert all(before.end <= after.start for before, after in pairwise(runs))
    assert all(before.end < after.start or before.share != after.share for before, after in pairwise(runs))


@pytest.mark.parametrize(
    ("shares", "arrival_min", "finish_min"),
    [
        ([[0, 1.0], [1, 0.5]], 0, 45),  # the rest of the work stands at the beginning of its half hour
        ([[0, 0.5]], 5, 20),  # work cannot begin before its arrival
        ([[0, 0.8334], [2, 0.1]], 5, 63),  # an arrival in another half hour moves nothing
        ([[3, 1.0]], 0, 120),
    ],
)
def test_work_is_done_as_early_as_its_last_half_hour_lets_it(
    shares: list[list[float]], arrival_min: int, finish_min: int
) -> None:
    done = finish_of(START, shares, START + timedelta(minutes=arrival_min))
    assert done == pytest.approx(START + timedelta(minutes=finish_min), abs=timedelta(seconds=1))


def test_consecutive_half_hours_under_one_limit_are_one_lock() -> None:
    held = [
        (9, "a" * 12, 700.0),
        (10, "a" * 12, 700.0),
        (11, "a" * 12, 650.0),
        (12, "b" * 12, 650.0),
        (20, "b" * 12, 650.0),
    ]
    plan = Plan(
        start_at=START,
        commitments=[{"order": order, "start": (START + slot * HALF_HOUR).isoformat(), "site_max_kw": kw} for slot, order, kw in held],
    )  # fmt: skip
    assert [(lock.first, lock.last, lock.kw, lock.name) for lock in locks_of(plan)] == [
        (9, 11, 700.0, "Order aaaaaaaa"),
        (11, 12, 650.0, "Order aaaaaaaa"),
        (12, 13, 650.0, "Order bbbbbbbb"),
        (20, 21, 650.0, "Order bbbbbbbb"),
    ]


def test_totals_are_energy_and_peak_of_half_hours() -> None:
    found = totals([100.0, 300.0, 200.0], 12.5, 80.0)
    assert (found.energy_kwh, found.peak_kw, found.cost_gbp, found.carbon_kg) == (300.0, 300.0, 12.5, 80.0)
    assert totals([], 0, 0).peak_kw == 0
