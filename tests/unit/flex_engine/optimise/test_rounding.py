"""Many jobs that may not be interrupted: each limit kept, the gap true, and the same queue the same plan."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from flex_engine.optimise import solve as room
from flex_engine.optimise.checker import check
from flex_engine.optimise.problem import Problem, SiteLimits
from flex_engine.optimise.rounding import price_and_round
from flex_engine.optimise.solve import PRICED, solve
from flex_engine.optimise.starts import fitting, starts_of
from tests.unit.flex_engine.optimise.queues import job, problem, promise, queues


def crowd(count: int, *, limit: float, soft: int = 0, seed: int = 3) -> Problem:
    rng = np.random.default_rng(seed)
    jobs = []
    for i in range(count):
        work = int(rng.integers(1, 9)) * (1 if i % 3 else 0.73)
        first = int(rng.integers(0, 30))
        name = f"{'s' if i < soft else 'r'}{i}"
        jobs.append(
            job(
                name,
                first,
                first + work + int(rng.integers(0, 18)),
                work,
                float(rng.integers(1, 9)),
                preemptible=i < soft,
            )
        )
    return problem(jobs, (50 + 40 * np.sin(np.arange(60) / 5)).tolist(), limit=limit)


def value(made: Problem, load: tuple[float, ...]) -> float:
    return sum(v * (kw - made.site.must_run_kw) / 2 for v, kw in zip(made.value_per_kwh(), load, strict=True))


@pytest.mark.parametrize("soft", [0, 40])
def test_a_crowd_is_placed_within_its_limit_close_to_its_bound(soft: int):
    made = crowd(250, limit=265.0, soft=soft)
    plan = solve(made)
    assert plan.solver.startswith(PRICED)
    assert check(made, plan) == []
    assert plan.gap is not None
    assert 0 < plan.gap < 0.02
    assert plan.status == ("OPTIMAL" if plan.gap <= 1e-4 else "FEASIBLE")
    if not soft:
        assert solve(made).allocations == plan.allocations, "the same queue, the same plan"


@settings(max_examples=6, deadline=None)
@given(queues(most=4))
def test_tiny_crowds_are_held_against_every_choice_there_is(made: Problem):
    rigid = [replace(one, preemptible=False) for one in made.jobs]
    made = replace(made, jobs=tuple(rigid), site=SiteLimits(60.0, 5.0))
    best = np.inf
    for choice in itertools.product(*(starts_of(made, i, one) for i, one in enumerate(rigid))):
        load = np.zeros(made.slots)
        for start in choice:
            load[start.first : start.first + len(start.shares)] += np.asarray(start.shares) * start.power_kw
        if load.max() <= 55 + 1e-9:
            best = min(best, float(load @ np.asarray(made.value_per_kwh())) / 2)
    rounded = price_and_round(made, rigid, [])
    assert rounded.bound <= best + 1e-7
    if rounded.allocations is None:
        return
    assert np.isfinite(best)
    plan = room.finished(made, rounded.allocations, gap=0.0, solver="")
    assert check(made, plan) == []
    assert value(made, plan.load_kw) >= best - 1e-9


def test_room_is_made_for_a_job_whose_way_smaller_ones_block():
    # The wide job is short, so it comes last; all its half hours are cheap and taken by then.
    jobs = [job(f"n{i}", 0, 12, 4, 2, preemptible=False) for i in range(6)]
    jobs.append(job("wide", 2, 5, 1, 7.5, preemptible=False))
    made = problem(jobs, [1.0, 1, 1, 1, 1, 1, 5, 5, 5, 5, 5, 5], limit=8.0)
    rounded = price_and_round(made, jobs, [])
    assert rounded.allocations is not None
    assert check(made, room.finished(made, rounded.allocations, gap=0.0, solver="")) == []


def test_where_no_way_is_found_none_is_claimed():
    jobs = [job("a", 0, 4, 2, 9, preemptible=False), job("b", 0, 4, 2, 8, preemptible=False), job("c", 1, 3, 2, 9, preemptible=False)]  # fmt: skip
    assert price_and_round(problem(jobs, [1.0] * 4, limit=10), jobs, []).allocations is None


@settings(max_examples=10, deadline=None)
@given(queues())
def test_a_start_fits_where_every_half_hour_of_it_does(made: Problem):
    rng = np.random.default_rng(len(made.jobs))
    free = rng.uniform(0, 60, made.slots)
    for index, one in enumerate(made.jobs):
        starts = starts_of(made, index, one)
        begin = np.array([start.first + 1 - start.shares[0] if len(start.shares) > 1 else np.nan for start in starts])
        if np.isnan(begin).any():
            continue
        found = fitting(free, begin, begin + one.duration_s / 1800, one.power_kw)
        slow = [all(free[s.first + i] >= share * s.power_kw - 1e-9 for i, share in enumerate(s.shares)) for s in starts]
        assert found.tolist() == slow


def test_a_job_wider_than_what_an_order_leaves_is_not_placed_there():
    jobs = [job("wide", 0, 2, 1, 9, preemptible=False), job("n", 0, 4, 1, 2, preemptible=False)]
    made = problem(jobs, [1.0] * 4, limit=10, commitments=[promise(0, 5), promise(1, 5)])
    assert price_and_round(made, jobs, []).allocations is None
    later = replace(made, jobs=(job("wide", 0, 3, 1, 9, preemptible=False), jobs[1]))
    found = price_and_round(later, list(later.jobs), []).allocations
    assert found is not None
    assert found["wide"] == ((2, 1.0),)


def test_a_job_that_can_start_nowhere_leaves_no_plan():
    jobs = [job("a", 0, 4, 2, 9, preemptible=False), job("b", 0, 2, 3, 8, preemptible=False)]
    assert price_and_round(problem(jobs, [1.0] * 4), jobs, []).allocations is None


def test_too_many_starts_for_a_solver_are_said_not_tried(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room, "MOST_WHOLE_JOBS", 2)
    monkeypatch.setattr(room, "MOST_STARTS", 5)
    jobs = [job("a", 0, 4, 2, 9, preemptible=False), job("b", 0, 4, 2, 8, preemptible=False), job("c", 1, 3, 2, 9, preemptible=False)]  # fmt: skip
    plan = solve(problem(jobs, [1.0] * 4, limit=10))
    assert plan.status == "FAILED"
    assert "their 7 starts are too many for a solver" in plan.reasons[0]
