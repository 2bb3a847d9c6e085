"""First come, first served: as soon as there is power, whatever it costs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from flex_engine.optimise.checker import check
from flex_engine.optimise.fifo import fifo
from flex_engine.optimise.problem import Problem
from flex_engine.optimise.solve import solve
from tests.unit.flex_engine.optimise.queues import job, problem, queues


def test_jobs_run_on_arrival():
    plan = fifo(problem([job("a", 1.5, 9, 2), job("b", 2, 9, 1, preemptible=False)], [90, 90, 90, 1, 1, 1]))
    assert plan.allocations["a"] == ((1, 0.5), (2, 1.0), (3, 0.5))
    assert plan.allocations["b"] == ((2, 1.0),)
    assert plan.unplanned == ()


def test_work_waits_for_power_and_lateness_is_named():
    plan = fifo(problem([job("a", 0, 2, 2), job("b", 0, 2, 2)], [1.0] * 4, limit=10))
    assert plan.allocations["b"] == ((2, 1.0), (3, 1.0))
    assert plan.unplanned == ("b",)
    assert plan.reasons == ("1 jobs miss their deadline.",)


def test_a_finish_inside_a_half_hour_counts_from_the_arrival():
    assert fifo(problem([job("a", 0.5, 0.8, 0.3)], [1.0])).unplanned == ()
    assert fifo(problem([job("a", 0.5, 0.75, 0.3)], [1.0])).unplanned == ("a",)


def test_work_that_does_not_fit_is_not_passed_over_in_silence():
    plan = fifo(problem([job("a", 0, 9, 3), job("b", 0, 9, 3, preemptible=False)], [1.0] * 4, limit=10))
    assert plan.unplanned == ("b",)
    assert "15.0 kWh of work does not fit before the plan ends and is not in its cost." in plan.reasons


@settings(max_examples=40)
@given(queues())
def test_a_plan_is_never_dearer_than_first_come_first_served_that_keeps_every_promise(made: Problem):
    plan = solve(made)
    made = replace(made, jobs=tuple(one for one in made.jobs if one.id not in plan.unplanned))
    plain = fifo(made)
    if plain.unplanned or check(made, plain):
        return
    assert plan.status in {"OPTIMAL", "FEASIBLE"}, "first come, first served found a way"
    value = made.value_per_kwh()
    worth = [sum(v * kw / 2 for v, kw in zip(value, one.load_kw, strict=True)) for one in (plan, plain)]
    assert worth[0] <= worth[1] + 1e-4 * max(1.0, abs(worth[1])), "the integer programme stops at a gap of 1e-4"
    assert sum(plan.load_kw) == pytest.approx(sum(plain.load_kw)), "the same work"
