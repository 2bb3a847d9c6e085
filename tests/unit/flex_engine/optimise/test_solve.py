"""Plans: optimal on tiny cases by brute force, hard limits hard, and no plan explained in words."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flex_engine.optimise import solve as room
from flex_engine.optimise.checker import check
from flex_engine.optimise.problem import Problem
from flex_engine.optimise.rounding import Rounded
from flex_engine.optimise.solve import solve
from tests.unit.flex_engine.optimise.queues import job, problem, promise, queues

USABLE = {"OPTIMAL", "FEASIBLE"}


def value(made: Problem, load: list[float]) -> float:
    return sum(v * kw / 2 for v, kw in zip(made.value_per_kwh(), load, strict=True))


@st.composite
def whole_queues(draw: st.DrawFn, *, slots: int = 5, jobs: int = 3) -> Problem:
    """Jobs of equal power on whole half hours: the linear programme then has a whole optimum, so brute force can find it."""
    made = []
    for index in range(draw(st.integers(1, jobs))):
        first = draw(st.integers(0, slots - 1))
        last = draw(st.integers(first + 1, slots))
        made.append(job(f"j{index}", first, last, draw(st.integers(1, last - first))))
    prices = [float(draw(st.integers(-30, 100))) for _ in range(slots)]
    return problem(made, prices, limit=10.0 * draw(st.integers(1, jobs)))


def cheapest_by_hand(made: Problem) -> float | None:
    """Every way to run every job in whole half hours, tried."""
    ways = []
    for one in made.jobs:
        first, last = made.slot_of(one.arrival), made.slot_of(one.deadline)
        ways.append(list(itertools.combinations(range(first, last), int(one.duration_s / 1800))))
    best = None
    for chosen in itertools.product(*ways):
        load = [0.0] * made.slots
        for slots in chosen:
            for slot in slots:
                load[slot] += 10.0
        if max(load) <= made.site.import_limit_kw:
            cost = value(made, load)
            best = cost if best is None else min(best, cost)
    return best


@settings(max_examples=60)
@given(whole_queues())
def test_interruptible_work_costs_what_brute_force_finds(made: Problem):
    plan, best = solve(made), cheapest_by_hand(made)
    if best is None:
        assert plan.status == "INFEASIBLE"
        assert plan.allocations == {}
        assert len(plan.reasons) > 1, "why, and what to relax"
    else:
        assert plan.status == "OPTIMAL"
        assert value(made, list(plan.load_kw)) == pytest.approx(best, abs=1e-7)


@settings(max_examples=40)
@given(st.data())
def test_uninterrupted_work_costs_what_brute_force_finds(data: st.DataObject):
    slots = 6
    jobs = []
    for index in range(data.draw(st.integers(1, 3))):
        first = data.draw(st.integers(0, slots - 2))
        last = data.draw(st.integers(first + 1, slots))
        work = data.draw(st.integers(1, last - first))
        jobs.append(job(f"j{index}", first, last, work, 5.0 * data.draw(st.integers(1, 3)), preemptible=False))
    made = problem(jobs, [float(data.draw(st.integers(-30, 100))) for _ in range(slots)], limit=20.0)
    best = None
    ranges = [
        range(made.slot_of(one.arrival), made.slot_of(one.deadline) - int(one.duration_s / 1800) + 1) for one in jobs
    ]
    for firsts in itertools.product(*ranges):
        load = [0.0] * slots
        for one, first in zip(jobs, firsts, strict=True):
            for slot in range(first, first + int(one.duration_s / 1800)):
                load[slot] += one.power_kw
        if max(load) <= 20.0:
            best = value(made, load) if best is None else min(best, value(made, load))
    plan = solve(made)
    if best is None:
        assert plan.status == "INFEASIBLE"
    else:
        assert plan.status == "OPTIMAL"
        assert value(made, list(plan.load_kw)) == pytest.approx(best, abs=1e-6)
        assert all(len({b[0] - a[0] for a, b in itertools.pairwise(s)}) <= 1 for s in plan.allocations.values())


@settings(max_examples=60)
@given(queues(most=6))
def test_every_plan_handed_out_passes_the_independent_checker(made: Problem):
    plan = solve(made)
    assert plan.status in USABLE | {"INFEASIBLE"}
    if plan.status in USABLE:
        planned = replace(made, jobs=tuple(one for one in made.jobs if one.id not in plan.unplanned))
        assert check(planned, plan) == []
        assert plan.gap is not None
    else:
        assert plan.reasons


@settings(max_examples=25)
@given(queues(rigid=False), st.integers(1, 9), st.floats(0.2, 1.0))
def test_a_commitment_is_never_broken(made: Problem, slot: int, part: float):
    before = solve(made)
    if before.status not in USABLE:
        return
    cap = before.load_kw[slot] * part
    plan = solve(replace(made, commitments=(promise(slot, cap),)))
    if plan.status in USABLE:
        assert plan.load_kw[slot] <= cap + 1e-3
        assert value(made, list(plan.load_kw)) >= value(made, list(before.load_kw)) - 1e-6, (
            "a promise never makes it cheaper"
        )
    else:
        assert plan.status == "INFEASIBLE"
        assert "order-1" in " ".join(plan.reasons)


@settings(max_examples=25)
@given(queues(rigid=False))
def test_merging_windows_stays_inside_them_and_costs_little(made: Problem):
    exact = solve(made)
    if exact.status not in USABLE:
        return
    inner = replace(made, jobs=tuple(one for one in made.jobs if one.id not in exact.unplanned))
    merged = room.solve_fitting(inner, merge=True, time_limit_s=10)
    assert check(inner, merged) == []
    assert value(made, list(merged.load_kw)) >= value(made, list(exact.load_kw)) - 1e-6


def test_work_goes_where_it_is_cheap_under_the_carbon_price():
    cheap = [10.0, 60.0, 50.0]
    clean = [300.0, 300.0, 10.0]
    one = [job("a", 0, 3, 1)]
    assert solve(problem(one, cheap, carbon=clean)).allocations["a"] == ((0, 1.0),)
    assert solve(problem(one, cheap, carbon=clean, carbon_price=200.0)).allocations["a"] == ((2, 1.0),)


def test_figures_are_those_of_the_whole_site():
    plan = solve(problem([job("a", 0, 2, 1)], [100.0, 50.0], must_run=4.0, carbon=[200.0, 100.0]))
    assert plan.load_kw == (4.0, 14.0)
    assert plan.cost_gbp == pytest.approx((2 * 100 + 7 * 50) / 1000)
    assert plan.carbon_kg == pytest.approx((2 * 200 + 7 * 100) / 1000)


def test_an_empty_queue_is_a_plan():
    plan = solve(problem([], [50.0] * 4, must_run=3.0))
    assert (plan.status, plan.load_kw, plan.allocations) == ("OPTIMAL", (3.0,) * 4, {})


def test_a_job_that_cannot_fit_its_window_is_left_out_and_named_and_the_others_are_planned():
    plan = solve(
        problem(
            [job("late", 0, 2, 3), job("wide", 0, 4, 1, 500, preemptible=False), job("a", 0, 4, 1)],
            [1.0] * 4,
            limit=100,
        )
    )
    assert plan.status == "OPTIMAL"
    assert plan.unplanned == ("late", "wide")
    assert plan.reasons == (
        "Job late needs 0.50 hours more than its window holds; move its deadline.",
        "Job wide draws 500 kW, above the 100 kW beside the must-run load; raise the site limit.",
    )
    beyond = solve(problem([job("a", 0, 9, 5)], [1.0] * 4))
    assert beyond.reasons == (
        "Job a needs 0.50 hours more than are left before the plan ends at 2026-03-02T02:00Z; plan more days.",
    )


def test_an_infeasible_queue_says_how_much_power_or_time_is_missing():
    plan = solve(problem([job("a", 0, 2, 2), job("b", 0, 2, 2)], [1.0, 2.0, 3.0], limit=15))
    assert plan.status == "INFEASIBLE"
    said = " ".join(plan.reasons)
    assert "With up to 5.0 kW more in 2 half hours" in said
    assert "finish 0.25 hours each of work after the deadline" in said


def test_the_smallest_relaxation_is_enough():
    tight = problem([job("a", 0, 2, 2, 8), job("b", 0, 3, 2, 7)], [1.0, 2.0, 3.0], limit=10)
    said = solve(tight).reasons[1]
    more = float(said.split("With up to ")[1].split(" kW")[0])
    assert solve(replace(tight, site=replace(tight.site, import_limit_kw=10 + more))).status == "OPTIMAL"


def test_infeasible_for_uninterrupted_work_is_said_too():
    plan = solve(
        problem([job("a", 0, 2, 2, preemptible=False), job("b", 0, 2, 2, preemptible=False)], [1.0, 2.0], limit=15)
    )
    assert plan.status == "INFEASIBLE"
    assert "With up to 5.0 kW more in 2 half hours" in " ".join(plan.reasons)


def test_the_order_that_stands_in_the_way_is_named():
    made = problem(
        [job("a", 0, 2, 2)], [1.0, 2.0], commitments=[promise(0, 5.0, "order-7"), promise(1, 5.0, "order-7")]
    )
    assert "order order-7 limits 2 of them" in " ".join(solve(made).reasons)
    blocked = solve(problem([], [1.0], must_run=5.0, commitments=[promise(0, 2.0, "order-9")]))
    assert blocked.status == "INFEASIBLE"
    assert "order order-9" in blocked.reasons[0]


def test_a_solver_without_time_is_a_failure_and_not_called_infeasible():
    jobs = [job(f"j{i}", 0, 48, 7, 10 + i % 7, preemptible=False) for i in range(60)]
    plan = solve(problem(jobs, [50.0 + i % 11 for i in range(48)], limit=170), time_limit_s=0.0)
    assert plan.status == "FAILED"
    assert "give it more time" in plan.reasons[0]


@pytest.fixture
def few_whole_jobs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room, "MOST_WHOLE_JOBS", 2)


@pytest.mark.usefixtures("few_whole_jobs")
def test_where_prices_and_rounding_fail_jobs_are_placed_one_by_one_with_their_gap(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room, "price_and_round", lambda *_: Rounded(None, 0.0))
    jobs = [job(f"j{i}", i % 5, 20 + i % 3, 2 + i % 4, 8 + i % 3, preemptible=False) for i in range(12)]
    jobs += [job(f"s{i}", 0, 20, 3) for i in range(4)]
    made = problem(jobs, [40.0 + 13 * (i % 7) for i in range(24)], limit=60)
    plan = solve(made)
    assert plan.status in USABLE
    assert plan.solver.endswith("one by one")
    assert plan.gap is not None
    assert 0 <= plan.gap < 0.1
    assert check(made, plan) == []
    assert len(plan.solver) <= 60


@pytest.mark.usefixtures("few_whole_jobs")
def test_where_placing_fails_the_integer_programme_is_asked_before_giving_up():
    # Largest first takes the middle, and the other two no longer fit: only looking at all three finds the way.
    jobs = [
        job("a", 0, 4, 2, 9, preemptible=False),
        job("b", 0, 4, 2, 8, preemptible=False),
        job("c", 1, 2, 1, 1, preemptible=False),
    ]
    made = problem(jobs, [5.0, 1.0, 1.0, 5.0], limit=10)
    plan = solve(made)
    assert plan.status in USABLE
    assert check(made, plan) == []
    hopeless = solve(problem([*jobs, job("d", 0, 4, 4, 9, preemptible=False)], [5.0, 1.0, 1.0, 5.0], limit=10))
    assert hopeless.status == "INFEASIBLE"


def test_very_many_jobs_say_that_windows_were_rounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room, "MOST_EXACT_WINDOWS", 1)
    made = problem([job("a", 0.5, 6.5, 2), job("b", 0.4, 6.6, 2)], [9.0, 8, 7, 6, 5, 4, 3], limit=15)
    assert solve(made).solver == "HiGHS by cvxpy, whole half hours"
    # Rounded windows hold only 2 x 2 half hours under this limit; the exact ones a little more, and they are tried.
    tight = problem([job("a", 0.5, 3.5, 2, 10), job("b", 0.5, 3.5, 2, 10)], [1.0] * 4, limit=20 * 2 / 3)
    assert solve(tight).status == "OPTIMAL"
