"""Solve a problem into a plan, and never hand one out that the independent checker refuses.

Preemptible work is a linear programme, exact by classes. Jobs that may not be interrupted choose one start each: an
integer programme when there are few, otherwise placed one by one at the prices of its relaxation, with the gap to that
relaxation reported. An infeasible problem comes back with the smallest relaxations in words. No silent fallback.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from flex_engine.compute.job import Job
from flex_engine.optimise.checker import check, totals
from flex_engine.optimise.classes import Shares, aggregate, disaggregate, load_of
from flex_engine.optimise.formulate import Formulation, Solved, Start
from flex_engine.optimise.problem import Problem, window_of

MOST_WHOLE_JOBS = 200
DONE = {"optimal", "optimal_inaccurate"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What runs when. status is OPTIMAL, FEASIBLE (gap reported), INFEASIBLE or FAILED; power in kW at the meter.

    `allocations` maps a job to (half hour, share of it at full power) pairs; `unplanned` names jobs left out, with why in
    `reasons`. cost_gbp is energy cost at the given prices (no carbon price); carbon_kg from the given intensities.
    """

    status: str
    load_kw: tuple[float, ...]
    allocations: dict[str, Shares]
    cost_gbp: float
    carbon_kg: float
    gap: float | None
    solver: str
    solve_s: float
    reasons: tuple[str, ...] = ()
    unplanned: tuple[str, ...] = ()


def solve(problem: Problem, *, time_limit_s: float = 30.0) -> Plan:
    """The cheapest plan under every deadline, limit and commitment, checked independently."""
    begun = time.perf_counter()
    fitting, left_out, reasons = admissible(problem)
    inner = replace(problem, jobs=tuple(fitting))
    if min(inner.limits_kw()) < problem.site.must_run_kw - 1e-9:
        low = min(inner.limits_kw())
        why = f"The must-run load of {problem.site.must_run_kw:g} kW is above a limit of {low:g} kW; lower it, or the commitment."
        return refused(problem, "INFEASIBLE", (*reasons, why), left_out, begun)
    plan, words = solve_fitting(inner, time_limit_s)
    if plan is None:
        return refused(problem, "INFEASIBLE" if words else "FAILED", (*reasons, *words), left_out, begun)
    faults = check(inner, plan)
    if faults:
        return refused(
            problem,
            "FAILED",
            (*reasons, *(f"The plan failed its check: {fault}" for fault in faults[:5])),
            left_out,
            begun,
        )
    return replace(plan, reasons=reasons, unplanned=tuple(left_out), solve_s=time.perf_counter() - begun)


def admissible(problem: Problem) -> tuple[list[Job], list[str], tuple[str, ...]]:
    """(jobs that fit their own window, ids of those that cannot, why in words)."""
    fitting, left_out, reasons = [], [], []
    for job in problem.jobs:
        window = window_of(problem, job)
        free_kw = problem.site.import_limit_kw - problem.site.must_run_kw
        if window.room < window.work - 1e-9:
            short = (window.work - window.room) / 2
            left_out.append(job.id)
            reasons.append(f"Job {job.id} needs {short:.2f} hours more than its window holds; move its deadline.")
        elif job.power_kw > free_kw and not job.preemptible:
            left_out.append(job.id)
            reasons.append(
                f"Job {job.id} draws {job.power_kw:g} kW, above the {free_kw:g} kW beside the must-run load."
            )
        else:
            fitting.append(job)
    return fitting, left_out, tuple(reasons)


def solve_fitting(problem: Problem, time_limit_s: float) -> tuple[Plan | None, tuple[str, ...]]:
    """A plan for jobs that each fit their window, or None with the relaxations that would make it feasible."""
    soft = [job for job in problem.jobs if job.preemptible]
    rigid = [job for job in problem.jobs if not job.preemptible]
    room = [limit - problem.site.must_run_kw for limit in problem.limits_kw()]
    starts = [start for index, job in enumerate(rigid) for start in starts_of(problem, index, job)]
    model = Formulation(
        classes=aggregate(problem, soft), starts=starts, jobs=len(rigid), value=problem.value_per_kwh(), room_kw=room
    )
    exact = len(rigid) <= MOST_WHOLE_JOBS
    solved = model.solve(whole=exact, time_limit_s=time_limit_s)
    if solved.status == "infeasible":
        return None, relaxations(problem, model, exact=exact, time_limit_s=time_limit_s)
    if not solved.profiles and not solved.chosen and problem.jobs:
        return None, (f"The solver stopped with {solved.status} and no plan; give it more time.",)
    if exact or not rigid:
        return build(problem, model, solved, rigid, gap=mip_gap(solved, bool(rigid))), ()
    return place_one_by_one(problem, model, solved, rigid, soft, time_limit_s)


def starts_of(problem: Problem, index: int, job: Job) -> list[Start]:
    """Every start of an uninterrupted job: at each half hour of its window, and at its very arrival."""
    window, found = window_of(problem, job), []
    firsts = [(window.first + i, 0.0) for i, share in enumerate(window.shares) if share >= 1 - 1e-9]
    if window.shares and window.shares[0] < 1 - 1e-9:
        firsts.insert(0, (window.first, 1 - window.shares[0]))
    end = window.first + len(window.shares) - (1 - window.shares[-1]) if window.shares else 0
    for first, late in firsts:
        if first + late + window.work <= end + 1e-9:
            found.append(Start(index, first, profile(late, window.work), job.power_kw))
    return found


def profile(late: float, work: float) -> tuple[float, ...]:
    """Shares of consecutive half hours of `work` half hours of running that begin `late` into the first."""
    shares, left, room = [], work, 1 - late
    while left > 1e-12:
        shares.append(min(left, room))
        left -= shares[-1]
        room = 1.0
    return tuple(shares)


def mip_gap(solved: Solved, whole: bool) -> float | None:
    """Relative distance to the best possible objective; 0 for a solved linear programme."""
    if solved.status in DONE and (not whole or solved.bound is None):
        return 0.0
    if solved.bound is None:
        return None
    return abs(solved.objective - solved.bound) / max(1e-9, abs(solved.objective))


def build(problem: Problem, model: Formulation, solved: Solved, rigid: Sequence[Job], *, gap: float | None) -> Plan:
    """The plan of a solved model."""
    allocations = disaggregate(model.classes, solved.profiles)
    for job, index in zip(rigid, solved.chosen, strict=True):
        start = model.starts[index]
        allocations[job.id] = tuple((start.first + i, share) for i, share in enumerate(start.shares))
    return finished(problem, allocations, gap=gap, solver="HiGHS by cvxpy")


def finished(problem: Problem, allocations: dict[str, Shares], *, gap: float | None, solver: str) -> Plan:
    """A Plan with its load, cost and carbon worked out."""
    load = load_of(problem, {job.id: job.power_kw for job in problem.jobs}, allocations)
    cost, carbon = totals(problem, load)
    status = "OPTIMAL" if gap is not None and gap <= 1e-4 else "FEASIBLE"
    return Plan(status, tuple(load), allocations, cost, carbon, gap, solver, 0.0)


def place_one_by_one(
    problem: Problem,
    model: Formulation,
    relaxed: Solved,
    rigid: Sequence[Job],
    soft: Sequence[Job],
    time_limit_s: float,
) -> tuple[Plan | None, tuple[str, ...]]:
    """Many uninterrupted jobs: largest first at the cheapest start with room, then the rest by linear programme."""
    value, room = problem.value_per_kwh(), [limit - problem.site.must_run_kw for limit in problem.limits_kw()]
    options: dict[int, list[Start]] = {}
    for start in model.starts:
        options.setdefault(start.job, []).append(start)
    allocations: dict[str, Shares] = {}
    for index in sorted(options, key=lambda i: -rigid[i].power_kw * rigid[i].duration_s):
        fits = [
            s
            for s in options[index]
            if all(room[s.first + i] >= share * s.power_kw - 1e-9 for i, share in enumerate(s.shares))
        ]
        if not fits:
            return None, (
                f"Job {rigid[index].id} found no room of {rigid[index].power_kw:g} kW in its window; raise the site limit.",
            )
        best = min(fits, key=lambda s: sum(share * value[s.first + i] for i, share in enumerate(s.shares)))
        for i, share in enumerate(best.shares):
            room[best.first + i] -= share * best.power_kw
        allocations[rigid[index].id] = tuple((best.first + i, share) for i, share in enumerate(best.shares))
    rest = Formulation(
        classes=aggregate(problem, soft), starts=[], jobs=0, value=value, room_kw=[max(0.0, kw) for kw in room]
    )
    solved = rest.solve(time_limit_s=time_limit_s)
    if solved.status not in DONE:
        return None, (
            "The jobs that cannot be interrupted leave too little room for the others; raise the site limit.",
        )
    allocations |= disaggregate(rest.classes, solved.profiles)
    plan = finished(problem, allocations, gap=None, solver="HiGHS by cvxpy, starts placed one by one")
    reached = sum(v * 0.5 * (kw - problem.site.must_run_kw) for v, kw in zip(value, plan.load_kw, strict=True))
    gap = abs(reached - relaxed.objective) / max(1e-9, abs(relaxed.objective))
    return replace(plan, gap=gap, status="OPTIMAL" if gap <= 1e-4 else "FEASIBLE"), ()


def relaxations(problem: Problem, model: Formulation, *, exact: bool, time_limit_s: float) -> tuple[str, ...]:
    """The smallest changes that make the problem feasible, in words: more power here, or less work there."""
    words = ["Not all work fits under the limits."]
    more = model.solve(whole=exact, elastic="capacity", time_limit_s=time_limit_s)
    over = [(slot, kw) for slot, kw in enumerate(more.excess) if kw > 1e-6]
    if over:
        worst, kw = max(over, key=lambda pair: pair[1])
        words.append(
            f"With up to {kw:.1f} kW more in {len(over)} half hours (most at {problem.time(worst):%Y-%m-%dT%H:%M}Z) everything fits."
        )
    less = model.solve(whole=exact, elastic="work", time_limit_s=time_limit_s)
    cut = sorted(
        ((short, group) for short, group in zip(less.short, model.classes, strict=False) if short > 1e-6),
        key=lambda p: -p[0],
    )
    for short, group in cut[:5]:
        words.append(f"Or {', '.join(group.jobs[:3])} finish {short / 2:.2f} hours of work later than their deadline.")
    return tuple(words)


def refused(problem: Problem, status: str, reasons: tuple[str, ...], left_out: Sequence[str], begun: float) -> Plan:
    """A plan that is none."""
    load = (problem.site.must_run_kw,) * problem.slots
    return Plan(
        status, load, {}, 0.0, 0.0, None, "HiGHS by cvxpy", time.perf_counter() - begun, reasons, tuple(left_out)
    )
