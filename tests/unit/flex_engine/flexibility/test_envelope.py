"""The room in one half hour alone: every kW of it is backed by a schedule the checker accepts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flex_engine.flexibility.certificate import certify
from flex_engine.flexibility.envelope import envelope, turned_down
from flex_engine.optimise.checker import check
from flex_engine.optimise.problem import Problem
from flex_engine.optimise.solve import Plan, finished, solve
from tests.unit.flex_engine.optimise.queues import job, problem, promise, queues


def planned(made: Problem) -> tuple[Problem, Plan] | None:
    """The problem of the jobs that were planned, and its plan; None when there is none."""
    plan = solve(made)
    if not plan.allocations:
        return None
    return replace(made, jobs=tuple(one for one in made.jobs if one.id in plan.allocations)), plan


def test_a_job_with_room_later_can_be_turned_down_and_one_without_cannot():
    made = problem([job("a", 0, 4, 1), job("b", 0, 1, 1, 7)], [10.0, 20.0, 30.0, 40.0])
    room = envelope(made, solve(made))
    assert room.down_kw == (10.0, 0.0, 0.0, 0.0)
    assert room.up_kw == (0.0,) * 4


def test_work_planned_later_can_be_pulled_forward_up_to_the_limit():
    made = problem([job("a", 0, 4, 1, 10)], [40.0, 30.0, 20.0, 10.0], limit=13, must_run=5)
    plan = solve(made)
    assert plan.allocations["a"][0][0] in {2, 3}
    assert envelope(made, plan).up_kw[0] == pytest.approx(8.0)


def test_room_later_is_used_once_and_kept_under_commitments():
    jobs = [job("a", 0, 2, 1, 10), job("b", 0, 2, 1, 10)]
    made = problem(jobs, [10.0, 20.0], limit=20, commitments=[promise(1, 12)])
    plan = solve(made)
    assert plan.load_kw == (20.0, 0.0)
    assert envelope(made, plan).down_kw == (12.0, 0.0)


def test_uninterrupted_jobs_stay_where_they_are():
    made = problem([job("a", 0, 8, 2, preemptible=False)], [1.0] * 8)
    room = envelope(made, solve(made))
    assert room.down_kw == (0.0,) * 8
    assert room.up_kw == (0.0,) * 8


@settings(max_examples=40)
@given(queues(most=6), st.integers(0, 9))
def test_the_turn_down_of_a_half_hour_is_a_schedule_that_keeps_every_deadline(made: Problem, slot: int):
    found = planned(made)
    if found is None:
        return
    made, plan = found
    room = envelope(made, plan)
    lowered = finished(made, turned_down(made, plan, slot), gap=0.0, solver="test")
    assert check(replace(made, commitments=(promise(slot, plan.load_kw[slot] - room.down_kw[slot]),)), lowered) == []
    assert lowered.load_kw[:slot] == pytest.approx(plan.load_kw[:slot]), "the plan is followed up to it"
    assert all(0 <= kw <= load + 1e-9 for kw, load in zip(room.down_kw, plan.load_kw, strict=True))


@settings(max_examples=25)
@given(queues(rigid=False), st.integers(0, 9))
def test_the_bound_never_promises_more_than_the_linear_programme(made: Problem, slot: int):
    found = planned(made)
    if found is None:
        return
    made, plan = found
    most = certify(made, plan, first=slot, last=slot + 1)
    assert envelope(made, plan).down_kw[slot] <= most.limits_by_start[0] + 1e-3


@settings(max_examples=25)
@given(queues(rigid=False), st.integers(0, 9))
def test_the_turn_up_of_a_half_hour_can_be_drawn(made: Problem, slot: int):
    """Pull forward from later half hours until the promised power is reached: deadlines only get easier."""
    found = planned(made)
    if found is None:
        return
    made, plan = found
    wanted = envelope(made, plan).up_kw[slot]
    allocations = {name: dict(shares) for name, shares in plan.allocations.items()}
    for one in made.jobs:
        begins = made.time(slot)
        usable = (min(one.deadline, begins + (made.time(1) - made.start)) - max(one.arrival, begins)) / (
            made.time(1) - made.start
        )
        for later in sorted(at for at in allocations[one.id] if at > slot):
            room = max(0.0, usable - allocations[one.id].get(slot, 0.0))
            share = min(room, allocations[one.id][later], wanted / one.power_kw)
            if share > 0:
                allocations[one.id][slot] = allocations[one.id].get(slot, 0.0) + share
                allocations[one.id][later] -= share
                wanted -= share * one.power_kw
    assert wanted == pytest.approx(0.0, abs=1e-6)
    raised = finished(
        made, {name: tuple(shares.items()) for name, shares in allocations.items()}, gap=0.0, solver="test"
    )
    assert check(made, raised) == []
