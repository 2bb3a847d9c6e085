"""Windows to the second, limits under commitments, and what is left of a plan half way."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flex_engine.optimise.checker import check
from flex_engine.optimise.problem import Problem, remaining, window_of
from flex_engine.optimise.solve import finished, solve
from tests.unit.flex_engine.optimise.queues import HALF, START, job, problem, promise, queues

FLAT = [50.0] * 8


def test_a_window_on_the_grid_is_whole():
    window = window_of(problem([], FLAT), job("a", 2, 5, 2))
    assert (window.first, window.shares, window.work, window.room) == (2, (1.0, 1.0, 1.0), 2.0, 3.0)


def test_edges_inside_a_half_hour_are_usable_by_their_share():
    window = window_of(problem([], FLAT), job("a", 2.5, 4.25, 1.5))
    assert (window.first, window.shares) == (2, (0.5, 1.0, 0.25))
    inside = window_of(problem([], FLAT), job("a", 2.25, 2.75, 0.5))
    assert (inside.first, inside.shares) == (2, (0.5,))


def test_merging_moves_edges_inwards_only_with_a_half_hour_to_spare():
    wide, tight = job("a", 2.5, 7.5, 2), job("b", 2.5, 5.5, 2)
    assert window_of(problem([], FLAT), wide).shares == (1.0,) * 4
    assert window_of(problem([], FLAT), wide, merge=False).shares == (0.5, 1.0, 1.0, 1.0, 1.0, 0.5)
    assert window_of(problem([], FLAT), tight).shares == (0.5, 1.0, 1.0, 0.5)


def test_a_window_is_cut_to_the_plan():
    window = window_of(problem([], FLAT), job("a", -3, 20, 2))
    assert (window.first, window.shares) == (0, (1.0,) * 8)
    assert window_of(problem([], FLAT), job("a", 9, 20, 2)).shares == ()


def test_commitments_lower_the_limit_and_never_raise_it():
    made = problem([], FLAT, limit=100, commitments=[promise(1, 40), promise(1, 60), promise(2, 400), promise(99, 1)])
    assert made.limits_kw() == (100, 40, 100, 100, 100, 100, 100, 100)


def test_weights_choose_between_money_and_carbon():
    made = problem([], [100.0], carbon=[200.0], carbon_price=50.0)
    assert made.value_per_kwh() == (pytest.approx(0.1 + 0.01),)
    assert replace(made, carbon_weight=0.0).value_per_kwh() == (pytest.approx(0.1),)
    assert replace(made, money_weight=0.0).value_per_kwh() == (pytest.approx(0.01),)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"price_gbp_per_mwh": (1.0,)}, "price_gbp_per_mwh has 1 values for 8 half hours"),
        ({"carbon_g_per_kwh": (math.nan,) * 8}, r"carbon_g_per_kwh is nan at 2026-03-02T00:00:00\+00:00"),
        ({"start": START + HALF / 2}, "is not on the half hour"),
        ({"jobs": (job("a", 0, 2, 1), job("a", 0, 2, 1))}, "two jobs have the same id"),
    ],
)
def test_what_cannot_be_planned_is_refused_by_name(changes: dict[str, Any], sentence: str):
    with pytest.raises(ValueError, match=sentence):
        replace(problem([], FLAT), **changes)


@pytest.mark.parametrize(("limit", "must_run"), [(0.0, 0.0), (10.0, -1.0), (math.nan, 0.0), (10.0, math.inf)])
def test_impossible_limits_are_refused(limit: float, must_run: float):
    with pytest.raises(ValueError, match="import_limit_kw is"):
        problem([], FLAT, limit=limit, must_run=must_run)


@settings(max_examples=30)
@given(queues(), st.integers(0, 9))
def test_what_is_left_half_way_can_be_finished_as_planned(made: Problem, slot: int):
    plan = solve(made)
    if not plan.allocations:
        return
    left = remaining(
        replace(made, jobs=tuple(one for one in made.jobs if one.id in plan.allocations)), plan.allocations, slot=slot
    )
    assert all(one.arrival >= left.start for one in left.jobs)
    after = {
        name: tuple((at - slot, share) for at, share in shares if at >= slot)
        for name, shares in plan.allocations.items()
        if any(at >= slot and share > 1e-6 for at, share in shares)
    }
    assert check(left, finished(left, after, gap=0.0, solver="test")) == [], "following the plan is still possible"
    assert solve(left).status in {"OPTIMAL", "FEASIBLE"}, "and the solver knows it"
