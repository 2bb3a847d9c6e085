"""Each job by itself at its least cost: a bound on every plan, and the plan where no limit binds."""

from __future__ import annotations

import doctest
import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings

from flex_engine.optimise import cheapest as room
from flex_engine.optimise import classes, starts
from flex_engine.optimise import solve as solving
from flex_engine.optimise.cheapest import bound_gbp, cheapest
from flex_engine.optimise.checker import check
from flex_engine.optimise.peers import registry
from flex_engine.optimise.problem import Problem, SiteLimits
from flex_engine.optimise.solve import UNHINDERED, finished, solve, solve_fitting
from flex_engine.optimise.starts import starts_of
from tests.unit.flex_engine.optimise.queues import job, problem, promise, queues


def test_the_examples_in_the_docstrings_hold():
    for module in (room, classes, starts, solving, registry):
        found = doctest.testmod(module)
        assert found.failed == 0
        assert found.attempted > 0


def energy_gbp(made: Problem, load: tuple[float, ...]) -> float:
    return sum(v * (kw - made.site.must_run_kw) / 2 for v, kw in zip(made.value_per_kwh(), load, strict=True))


@settings(max_examples=15, deadline=None)
@given(queues())
def test_with_room_for_all_it_is_what_the_solver_finds_and_else_it_bounds_it(made: Problem):
    wide = replace(made, site=SiteLimits(import_limit_kw=1e6, must_run_kw=5.0))
    alone = finished(wide, cheapest(wide), gap=0.0, solver="")
    assert check(wide, alone) == []
    solved = solve_fitting(wide, merge=False, time_limit_s=10)
    assert energy_gbp(wide, alone.load_kw) == pytest.approx(energy_gbp(wide, solved.load_kw), rel=1e-4, abs=1e-7)
    assert bound_gbp(wide) == pytest.approx(energy_gbp(wide, alone.load_kw), abs=1e-9)
    tight = solve(made)
    if tight.allocations and not tight.unplanned:
        assert energy_gbp(made, tight.load_kw) >= bound_gbp(made) - 1e-9


def test_it_is_taken_only_where_no_limit_and_no_order_is_in_the_way():
    jobs = [job("a", 0, 4, 1), job("b", 0, 4, 1.5, preemptible=False)]
    free = solve(problem(jobs, [9, 1, 2, 9]))
    assert (free.solver, free.status, free.gap) == (UNHINDERED, "OPTIMAL", 0.0)
    assert free.allocations == {"a": ((1, 1.0),), "b": ((1, 1.0), (2, 0.5))}
    for held in (
        solve(problem(jobs, [9, 1, 2, 9], limit=15)),
        solve(problem(jobs, [9, 1, 2, 9], commitments=[promise(1, 15)])),
    ):
        assert held.solver != UNHINDERED
        assert held.status == "OPTIMAL"


def test_the_earlier_of_two_half_hours_that_cost_the_same_is_taken():
    found = cheapest(problem([job("a", 0, 4, 2), job("b", 0, 4, 2, preemptible=False)], [5.0] * 4))
    assert found == {"a": ((0, 1.0), (1, 1.0)), "b": ((0, 1.0), (1, 1.0))}


@settings(max_examples=15, deadline=None)
@given(queues(most=2))
def test_no_start_of_an_uninterrupted_job_is_cheaper(made: Problem):
    value = made.value_per_kwh()
    for one in (one for one in made.jobs if not one.preemptible):
        costs = [
            sum(share * value[start.first + i] for i, share in enumerate(start.shares))
            for start in starts_of(made, 0, one)
        ]
        taken = sum(share * value[slot] for slot, share in cheapest(made)[one.id])
        assert taken == pytest.approx(min(costs), abs=1e-12)


@settings(max_examples=15, deadline=None)
@given(queues(most=1, slots=6, rigid=False))
def test_no_choice_of_whole_half_hours_is_cheaper(made: Problem):
    one = replace(made.jobs[0], arrival=made.start, deadline=made.time(6), duration_s=2 * 1800)
    value = made.value_per_kwh()
    taken = sum(share * value[slot] for slot, share in cheapest(replace(made, jobs=(one,)))[one.id])
    assert taken == pytest.approx(min(value[a] + value[b] for a, b in itertools.combinations(range(6), 2)))
