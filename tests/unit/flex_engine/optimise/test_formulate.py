"""The model itself: shapes, elastic versions and turn-down, and what a stopped solver says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flex_engine.optimise.classes import aggregate
from flex_engine.optimise.formulate import Formulation, Move
from flex_engine.optimise.problem import Problem
from flex_engine.optimise.starts import starts_of
from tests.unit.flex_engine.optimise.queues import job, problem, queues


def model(made: Problem) -> Formulation:
    rigid = [one for one in made.jobs if not one.preemptible]
    return Formulation(
        classes=aggregate(made, [one for one in made.jobs if one.preemptible], merge=False),
        starts=[start for index, one in enumerate(rigid) for start in starts_of(made, index, one)],
        jobs=len(rigid),
        value=made.value_per_kwh(),
        room_kw=made.limits_kw(),
    )


def test_the_objective_is_the_value_of_the_load():
    solved = model(problem([job("a", 0, 3, 1, 10), job("b", 0, 3, 1, 5, preemptible=False)], [30, 10, 20])).solve()
    assert solved.status == "optimal"
    assert solved.objective == pytest.approx((10 + 5) * 0.5 * 10 / 1000)
    assert solved.bound == pytest.approx(solved.objective)
    assert [round(share, 6) for share in (solved.profiles or [[]])[0]] == [0, 1, 0]


def test_prices_say_what_a_kilowatt_more_would_save():
    solved = model(problem([job("a", 0, 2, 1, 10)], [10, 50], limit=6)).solve()
    assert solved.prices[0] == pytest.approx(0.5 * 40 / 1000), "a kW more at 10 instead of 50 GBP/MWh for half an hour"
    assert solved.prices[1] == pytest.approx(0.0)


def test_elastic_versions_buy_the_least():
    made = model(problem([job("a", 0, 2, 2, 10), job("b", 0, 2, 1, 6)], [1, 1], limit=11))
    assert made.solve().status == "infeasible"
    assert sum(made.solve(elastic="capacity").excess) == pytest.approx(4.0)
    less = made.solve(elastic="work")
    power = [group.power_kw for group in made.classes]
    assert sum(kw * short for kw, short in zip(power, less.short, strict=True)) == pytest.approx(4.0)


def test_turn_down_is_the_largest_constant_power_under_the_reference():
    made = model(problem([job("a", 0, 4, 2, 10)], [1, 1, 5, 5]))
    solved = made.solve(move=Move(0, 2, [10.0, 10.0, 0.0, 0.0]))
    assert solved.quantity == pytest.approx(10.0)
    assert made.solve(move=Move(0, 3, [10.0, 10.0, 0.0, 0.0])).quantity == pytest.approx(0.0)
    tight = model(problem([job("a", 0, 3, 2, 10)], [1, 1, 5]))
    assert tight.solve(move=Move(0, 2, [10.0, 10.0, 0.0])).quantity == pytest.approx(5.0)


def test_nothing_to_decide_is_decided():
    empty = model(problem([], [1, 2]))
    assert empty.solve().status == "optimal"
    assert empty.solve(move=Move(0, 2, [3.0, 2.0])).quantity == 2.0
    full = Formulation(classes=[], starts=[], jobs=0, value=[1.0], room_kw=[-1.0])
    assert full.solve().status == "infeasible"
    nowhere = Formulation(classes=[], starts=[], jobs=1, value=[1.0], room_kw=[1.0])
    assert nowhere.solve().status == "infeasible", "a job without any start"


def test_a_solver_stopped_at_once_hands_out_nothing():
    jobs = [job(f"j{i}", 0, 30, 5, 10 + i % 7, preemptible=False) for i in range(40)]
    solved = model(problem(jobs, [50.0 + i % 11 for i in range(30)], limit=150)).solve(time_limit_s=0.0)
    assert solved.profiles is None
    assert solved.status not in {"optimal", "infeasible"}


@settings(max_examples=10, deadline=None)
@given(queues(rigid=False), st.lists(st.integers(-50, 200), min_size=10, max_size=10), st.floats(0.5, 1.5))
def test_the_programme_that_is_kept_finds_what_a_new_one_does(made: Problem, prices: list[int], part: float):
    kept = model(made)
    kept.solve()
    other = replace(
        made,
        price_gbp_per_mwh=tuple(float(price) for price in prices),
        site=replace(made.site, import_limit_kw=made.site.import_limit_kw * part),
    )
    kept.reprice(value=other.value_per_kwh(), room_kw=other.limits_kw())
    again, anew = kept.solve(), model(other).solve()
    assert again.status == anew.status
    assert again.objective == pytest.approx(anew.objective, rel=1e-6, abs=1e-9)
    if kept.kept is not None:
        assert kept.kept.problem.is_dcp(dpp=True), "or cvxpy compiles it again at each price"
