"""Solve a problem into a plan, and never hand one out that the independent checker refuses.

Where every job can have its own cheapest half hours under the limits, that is the optimum. Otherwise preemptible work is a
linear programme, exact by classes. Jobs that may not be interrupted choose one start each: an integer programme when there are
few; when there are many, at prices of capacity and by rounding, with the gap to the bound of those prices; and where that leaves
somebody without room, one by one at the prices of the relaxation. INFEASIBLE is said only where it is proved, with the smallest
relaxations in words; a solver that stopped without a plan is FAILED. No silent fallback.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from flex_engine.compute.job import Job
from flex_engine.optimise.cheapest import cheapest
from flex_engine.optimise.checker import check, totals
from flex_engine.optimise.classes import JobClass, Shares, aggregate, disaggregate, load_of
from flex_engine.optimise.explain import admissible, floor_too_high, must_run_too_high, relaxations
from flex_engine.optimise.formulate import Formulation, Solved, Start
from flex_engine.optimise.problem import Problem
from flex_engine.optimise.rounding import price_and_round
from flex_engine.optimise.starts import moments_of, place, starts_of

MOST_WHOLE_JOBS = 200
MOST_STARTS = 100_000  # of jobs that may not be interrupted, above which no solver is asked
MOST_EXACT_WINDOWS = (
    2000  # above this many jobs, windows move inwards to whole half hours so that jobs merge into classes
)
DONE = {"optimal", "optimal_inaccurate"}
IMPOSSIBLE = {"infeasible", "infeasible_inaccurate", "infeasible_or_unbounded"}  # nothing here is unbounded
SOLVER = "HiGHS by cvxpy"
PRICED = "prices of capacity and rounding"
UNHINDERED = "each job where it costs least; no limit binds"


@dataclass(frozen=True, slots=True)
class Plan:
    """What runs when. status is OPTIMAL, FEASIBLE (gap reported), INFEASIBLE or FAILED; power in kW at the meter.

    `allocations` maps a job to (half hour, share of it at full power) pairs; `unplanned` names jobs left out, with why in
    `reasons`. cost_gbp is energy cost at the given prices (no carbon price); carbon_kg from the given intensities. `gap` is
    the relative distance of the objective to the best possible one, None when that is not known.
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


class NoPlanError(Exception):
    """There is no plan; `status` says whether that is proved, `words` why."""

    def __init__(self, status: str, words: Sequence[str]) -> None:
        super().__init__(" ".join(words))
        self.status, self.words = status, tuple(words)


def solve(problem: Problem, *, time_limit_s: float = 30.0) -> Plan:
    """The cheapest plan under every deadline, limit and commitment, checked independently.

    Jobs that cannot fit their own window are left out and named; every other reason for having no plan is in `reasons`.
    Each call to the solver may take `time_limit_s`.

    >>> from datetime import UTC, datetime, timedelta
    >>> from flex_engine.optimise.problem import SiteLimits
    >>> midnight = datetime(2026, 1, 5, tzinfo=UTC)
    >>> work = [
    ...     Job(id=name, arrival=midnight, deadline=midnight + timedelta(hours=2), duration_s=1800, power_kw=kw)
    ...     for name, kw in (("train", 30.0), ("index", 20.0))
    ... ]
    >>> plan = solve(
    ...     Problem(
    ...         jobs=tuple(work),
    ...         site=SiteLimits(import_limit_kw=40.0, must_run_kw=5.0),
    ...         start=midnight,
    ...         slots=4,
    ...         price_gbp_per_mwh=(90.0, 40.0, 60.0, 80.0),
    ...         carbon_g_per_kwh=(200.0, 100.0, 120.0, 180.0),
    ...     )
    ... )
    >>> plan.status, plan.gap, [round(kw, 3) for kw in plan.load_kw]
    ('OPTIMAL', 0.0, [5.0, 40.0, 20.0, 5.0])
    >>> f"{plan.cost_gbp:.3f} GBP, {plan.carbon_kg:.2f} kg"
    '1.825 GBP, 4.15 kg'
    """
    begun = time.perf_counter()
    fitting, left_out, reasons = admissible(problem)
    inner = replace(problem, jobs=tuple(fitting))
    try:
        blocked = must_run_too_high(inner) or floor_too_high(inner)
        if blocked:
            raise NoPlanError("INFEASIBLE", (blocked,))
        free = unhindered(inner)
        plan = free or solve_fitting(inner, merge=len(fitting) > MOST_EXACT_WINDOWS, time_limit_s=time_limit_s)
        faults = [] if free else check(inner, plan)
        if faults:
            raise NoPlanError("FAILED", [f"The plan failed its check: {fault}" for fault in faults[:5]])
    except NoPlanError as none:
        plan = no_plan(problem, none)
    return replace(
        plan,
        reasons=(*reasons, *plan.reasons),
        unplanned=tuple(left_out),
        solve_s=time.perf_counter() - begun,
    )


def unhindered(problem: Problem) -> Plan | None:
    """Every job where it costs least by itself, when the checker finds no limit in the way: then nothing is cheaper."""
    allocations = cheapest(problem)
    load = load_of(problem, {job.id: job.power_kw for job in problem.jobs}, allocations)
    if any(kw > limit + 1e-9 for kw, limit in zip(load, problem.limits_kw(), strict=True)):
        return None
    plan = finished(problem, allocations, gap=0.0, solver=UNHINDERED)
    return None if check(problem, plan) else plan


def solve_fitting(problem: Problem, *, merge: bool, time_limit_s: float) -> Plan:
    """A plan for jobs that each fit their window. Raises NoPlanError."""
    soft = [job for job in problem.jobs if job.preemptible]
    rigid = [job for job in problem.jobs if not job.preemptible]
    classes = aggregate(problem, soft, merge=merge)
    solver = f"{SOLVER}, whole half hours" if merge else SOLVER
    exact = len(rigid) <= MOST_WHOLE_JOBS
    if not exact:
        plan = priced(problem, classes, rigid, merge=merge, time_limit_s=time_limit_s)
        if plan is not None:
            return plan
        too_many(problem, rigid)
    model = Formulation(
        classes=classes,
        starts=[start for index, job in enumerate(rigid) for start in starts_of(problem, index, job)],
        jobs=len(rigid),
        value=problem.value_per_kwh(),
        room_kw=[limit - problem.site.must_run_kw for limit in problem.limits_kw()],
        floor_kw=[floor - problem.site.must_run_kw for floor in problem.floors_kw()],
    )
    solved = model.solve(whole=exact, time_limit_s=time_limit_s)
    if solved.status in IMPOSSIBLE and merge:
        return solve_fitting(problem, merge=False, time_limit_s=time_limit_s)
    if solved.status in IMPOSSIBLE:
        words = relaxations(problem, model, whole=exact, time_limit_s=time_limit_s)
        raise NoPlanError("INFEASIBLE", words)
    if solved.profiles is None:
        raise NoPlanError("FAILED", (f"The solver stopped with {solved.status} and no plan; give it more time.",))
    if exact:
        return build(problem, model, solved, rigid, gap=gap_of(solved), solver=solver)
    return place_one_by_one(problem, model, solved, rigid, solver=solver, time_limit_s=time_limit_s)


def priced(
    problem: Problem, classes: Sequence[JobClass], rigid: Sequence[Job], *, merge: bool, time_limit_s: float
) -> Plan | None:
    """Many uninterrupted jobs at the prices of capacity, then the others by linear programme around them; None where that
    leaves somebody without room, or a turn-up short. The gap is to the bound of the prices, which no plan can beat."""
    rounded = price_and_round(problem, rigid, classes)
    if rounded.allocations is None:
        return None
    found = around(problem, classes, rigid, rounded.allocations, time_limit_s=time_limit_s)
    if found is None:
        return None
    # Merged windows bound only what whole half hours can do.
    plan = finished(problem, found, gap=None, solver=f"{PRICED}{', whole half hours' if merge and classes else ''}")
    value = [v * 0.5 for v in problem.value_per_kwh()]
    reached = sum(v * (kw - problem.site.must_run_kw) for v, kw in zip(value, plan.load_kw, strict=True))
    gap = max(0.0, reached - rounded.bound) / max(1e-9, abs(reached))
    return replace(plan, gap=gap, status="OPTIMAL" if gap <= 1e-4 else "FEASIBLE")


def too_many(problem: Problem, rigid: Sequence[Job]) -> None:
    """Raises NoPlanError where all starts together are more than a solver takes."""
    starts = sum(len(moments_of(problem, job)) for job in rigid)
    if starts > MOST_STARTS:
        raise NoPlanError(
            "FAILED",
            (
                f"No plan was found for {len(rigid)} jobs that may not be interrupted. That does not prove there is none, and "
                f"their {starts} starts are too many for a solver: raise the site limit, or allow interruptions.",
            ),
        )


def around(
    problem: Problem,
    classes: Sequence[JobClass],
    rigid: Sequence[Job],
    taken: dict[str, Shares],
    *,
    time_limit_s: float,
) -> dict[str, Shares] | None:
    """Allocations of all jobs with those `taken` fixed: the interruptible classes by linear programme in what is left."""
    load = load_of(problem, {job.id: job.power_kw for job in rigid}, taken)
    rest = Formulation(
        classes=classes,
        starts=[],
        jobs=0,
        value=problem.value_per_kwh(),
        room_kw=[max(0.0, limit - kw) for limit, kw in zip(problem.limits_kw(), load, strict=True)],
        floor_kw=[floor - kw for floor, kw in zip(problem.floors_kw(), load, strict=True)],
    ).solve(time_limit_s=time_limit_s)
    if rest.status not in DONE or rest.profiles is None:
        return None
    return disaggregate(classes, rest.profiles) | taken


def gap_of(solved: Solved) -> float | None:
    """Relative distance to the best possible objective: 0 for a solved linear programme, None when it is not known."""
    if solved.bound is not None:
        return abs(solved.objective - solved.bound) / max(1e-9, abs(solved.objective))
    return 0.0 if solved.status in DONE else None


def build(
    problem: Problem, model: Formulation, solved: Solved, rigid: Sequence[Job], *, gap: float | None, solver: str
) -> Plan:
    """The plan of a solved model."""
    chosen = [model.starts[index] for index in solved.chosen]
    allocations = disaggregate(model.classes, solved.profiles or []) | placed(chosen, rigid)
    return finished(problem, allocations, gap=gap, solver=solver)


def placed(starts: Sequence[Start], rigid: Sequence[Job]) -> dict[str, Shares]:
    """Allocations of chosen starts."""
    return {rigid[s.job].id: tuple((s.first + i, share) for i, share in enumerate(s.shares)) for s in starts}


def finished(problem: Problem, allocations: dict[str, Shares], *, gap: float | None, solver: str) -> Plan:
    """A Plan with its load, cost and carbon worked out."""
    load = load_of(problem, {job.id: job.power_kw for job in problem.jobs}, allocations)
    cost, carbon = totals(problem, load)
    status = "OPTIMAL" if gap is not None and gap <= 1e-4 else "FEASIBLE"
    return Plan(status, tuple(load), allocations, cost, carbon, gap, solver, 0.0)


def place_one_by_one(
    problem: Problem, model: Formulation, relaxed: Solved, rigid: Sequence[Job], *, solver: str, time_limit_s: float
) -> Plan:
    """Many uninterrupted jobs: one start each at the relaxation's prices, then the rest by linear programme.

    Where that leaves somebody without room, the integer programme is tried within the time limit. Raises NoPlanError.
    """
    scarcity = relaxed.prices or [0.0] * problem.slots
    price = [value + more for value, more in zip(model.value.tolist(), scarcity, strict=True)]
    chosen = place(model.starts, rigid, price, model.room.tolist())
    found = None
    if isinstance(chosen, list):
        found = around(problem, model.classes, rigid, placed(chosen, rigid), time_limit_s=time_limit_s)
    if found is not None:
        plan = finished(problem, found, gap=None, solver=f"{solver}, one by one")
        reached = float(model.value @ [kw - problem.site.must_run_kw for kw in plan.load_kw])
        gap = abs(reached - relaxed.objective) / max(1e-9, abs(relaxed.objective))
        return replace(plan, gap=gap, status="OPTIMAL" if gap <= 1e-4 else "FEASIBLE")
    whole = model.solve(whole=True, time_limit_s=time_limit_s)
    if whole.status in IMPOSSIBLE:
        raise NoPlanError("INFEASIBLE", relaxations(problem, model, whole=False, time_limit_s=time_limit_s))
    if whole.profiles is None:
        raise NoPlanError(
            "FAILED",
            (
                f"No plan was found for {len(rigid)} jobs that may not be interrupted within {time_limit_s:g} s. "
                "That does not prove there is none: raise the site limit, allow interruptions, or give it more time.",
            ),
        )
    return build(problem, model, whole, rigid, gap=gap_of(whole), solver=solver)


def no_plan(problem: Problem, none: NoPlanError) -> Plan:
    """A plan that is none."""
    load = (problem.site.must_run_kw,) * problem.slots
    return Plan(none.status, load, {}, 0.0, 0.0, None, SOLVER, 0.0, none.words)
