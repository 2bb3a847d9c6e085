"""The published policies do what their papers say, and never what a site may not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from flex_engine.optimise.checker import check
from flex_engine.optimise.peers.naive import naive
from flex_engine.optimise.peers.registry import policies, schedulers
from flex_engine.optimise.peers.rolling import rolling
from flex_engine.optimise.problem import Problem, SiteLimits
from flex_engine.optimise.solve import solve
from tests.unit.flex_engine.optimise.queues import job, problem, queues

PRICES = [50.0, 40.0, 10.0, 60.0, 20.0, 20.0, 20.0, 90.0]
LONG = job("x", 0, 8, 3)
EXPECTED = {
    "as soon as possible": [0, 1, 2],
    "lowest slot": [2, 3, 4],
    "lowest window": [4, 5, 6],
    "carbon-time": [4, 5, 6],  # saves 40 in seven half hours; from 2 it would save 10 in five
    "wait awhile, uninterrupted": [4, 5, 6],
    "wait awhile": [2, 4, 5],
    "threshold": [2, 6, 7],  # only slot 2 is below the 30th percentile of 20; five half hours can be waited
}


@pytest.mark.parametrize("name", EXPECTED)
def test_where_each_policy_runs_a_job_of_three_half_hours(name: str):
    plan = policies()[name](problem([LONG], PRICES))
    assert [slot for slot, _ in plan.allocations["x"]] == EXPECTED[name]


def test_policies_that_cannot_know_a_length_go_by_what_is_usual_in_the_tier():
    # Alone, one half hour would go to slot 2; with two jobs of three beside it in its tier the usual job is longer.
    short = job("s", 0, 8, 1, 1)
    others = [job(f"o{i}", 0, 8, 3, 1) for i in range(2)]
    assert policies()["lowest window"](problem([short], PRICES)).allocations["s"] == ((2, 1.0),)
    mixed = policies()["lowest window"](problem([short, *others], PRICES))
    assert mixed.allocations["s"] == ((4, 1.0),)
    apart = problem([replace(short, tier="SHORT"), *others], PRICES)
    assert policies()["lowest window"](apart).allocations["s"] == ((2, 1.0),)


@settings(max_examples=20, deadline=None)
@given(queues())
def test_no_policy_breaks_the_limit_or_interrupts_or_hides_a_late_job_and_none_beats_the_planner(made: Problem):
    wide = replace(made, site=SiteLimits(import_limit_kw=1e6, must_run_kw=5.0))
    best = solve(wide)
    for name, policy in policies().items():
        plan = policy(made)
        assert max(plan.load_kw) <= made.site.import_limit_kw + 1e-6, name
        faults = [fault for fault in check(made, plan) if not any(f"job {one} " in fault for one in plan.unplanned)]
        assert faults == [], name
        free = policy(wide)
        assert check(wide, free) == [], name
        assert free.unplanned == (), name
        objective = [
            sum(v * kw for v, kw in zip(made.value_per_kwh(), one.load_kw, strict=True)) for one in (best, free)
        ]
        assert objective[0] <= objective[1] + 1e-6, name


@settings(max_examples=4, deadline=None)
@given(queues(rigid=False, most=4))
def test_the_naive_model_has_the_planners_optimum_and_planning_again_never_beats_it(made: Problem):
    plan = solve(made)
    if plan.status == "INFEASIBLE" or plan.unplanned:
        return
    value = made.value_per_kwh()
    ours, theirs, again = (
        sum(v * kw / 2 for v, kw in zip(value, one.load_kw, strict=True)) for one in (plan, naive(made), rolling(made))
    )
    assert theirs == pytest.approx(ours, rel=1e-6, abs=1e-7)
    assert again >= ours - 1e-7 or rolling(made).unplanned


def test_planning_again_keeps_what_has_run_and_says_who_is_late():
    first = [job("a", 0, 4, 2), job("b", 2, 4, 2)]
    plan = rolling(problem(first, [9.0, 8.0, 1.0, 1.0], limit=10))
    assert plan.allocations["a"] == ((2, 1.0), (3, 1.0)) or plan.unplanned
    assert plan.unplanned, "a waited for the cheap half hours, and then b came: nobody can do both"
    roomy = rolling(problem(first, [9.0, 8.0, 1.0, 1.0], limit=20))
    assert roomy.unplanned == ()
    assert roomy.allocations["a"] == ((2, 1.0), (3, 1.0))


def test_the_naive_model_refuses_what_it_does_not_know():
    with pytest.raises(ValueError, match="interruptible"):
        naive(problem([job("a", 0, 2, 1, preemptible=False)], [1.0, 2.0]))
    with pytest.raises(ValueError, match="no plan"):
        naive(problem([job("a", 0, 2, 2), job("b", 0, 2, 2)], [1.0, 2.0], limit=15))
    assert set(schedulers()) >= {"planner", "rolling, no reserve", "naive cvxpy"}
