"""Does a plan keep what was sold deliverable, and if not, is there one that does? Plain data in and out; it knows no market.

What is sold and not called yet is no limit on the plan: it may never be called. But from every half hour of it on, with the
plan followed until then, a schedule must be left that delivers all that is still promised. Such a schedule keeps the rest of
what is promised deliverable too, because it delivers it, so the property survives any order of calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flex_engine.flexibility.certificate import ahead
from flex_engine.flexibility.tail import UnsolvedError, tail_of
from flex_engine.optimise.checker import Checkable, check, tolerance_kw
from flex_engine.optimise.problem import Commitment, Problem, remaining
from flex_engine.optimise.solve import Plan, finished, solve

USABLE = frozenset({"OPTIMAL", "FEASIBLE"})


@dataclass(frozen=True, slots=True)
class Broken:
    """From half hour `start` on, what is promised cannot all be delivered; why in words."""

    start: datetime
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A plan, whether what was sold had to be held as a limit of it, and what of it it cannot keep deliverable."""

    plan: Plan
    held: bool = False
    broken: Broken | None = None


def undeliverable(problem: Problem, plan: Checkable, promised: Sequence[Commitment]) -> Broken | None:
    """The first half hour from which no schedule delivers all of `promised` that lies ahead; None when there is none.

    Jobs of the problem that the plan does not hold are left out, and promises before it too. After it ends the site draws its
    must-run load.
    """
    problem = replace(problem, jobs=tuple(job for job in problem.jobs if job.id in plan.allocations))
    inside = [one for one in promised if 0 <= problem.slot_of(one.start) < problem.slots]
    for slot in sorted({problem.slot_of(one.start) for one in inside}):
        bound = ahead(problem, inside, slot)
        if meets(bound, plan, slot):
            break  # and so it does from every later half hour on
        words = unfound(bound, plan, slot)
        if words is not None:
            return Broken(problem.time(slot), words)
    idle = problem.site.must_run_kw
    for one in promised:
        if problem.slot_of(one.start) >= problem.slots and not one.site_min_kw <= idle <= one.site_max_kw:
            return Broken(one.start, (f"The plan ends at {problem.time(problem.slots):%Y-%m-%dT%H:%M}Z, before it.",))
    return None


def meets(bound: Problem, plan: Checkable, slot: int) -> bool:
    """Whether the plan itself draws what every commitment from half hour `slot` on asks."""
    allowed, load = tolerance_kw(bound), plan.load_kw
    pairs = zip(bound.floors_kw(), load, bound.limits_kw(), strict=True)
    return all(least - allowed <= kw <= most + allowed for least, kw, most in list(pairs)[slot:])


def unfound(bound: Problem, plan: Checkable, slot: int) -> tuple[str, ...] | None:
    """Why no schedule follows the plan until `slot` and keeps the commitments from then on; None where one was checked.

    First the jobs that may be interrupted are moved alone, then all.
    """
    try:
        tail = tail_of(bound, plan, slot)
        schedule = tail.whole(tail.solve())
    except UnsolvedError:
        again = solve(remaining(bound, plan.allocations, slot=slot))
        return None if again.status in USABLE and not again.unplanned else again.reasons
    faults = check(bound, finished(bound, schedule, gap=0.0, solver="standing"))
    return tuple(faults[:5]) if faults else None


def keeping(problem: Problem, plan: Plan, sold: Sequence[Commitment]) -> Kept:
    """The cheapest plan if it keeps `sold` deliverable, else the cheapest that delivers it outright, else the first and why.

    A plan held to what was sold costs more than one that could still get there; it is asked for only where the free one
    could not. A plan that is none is handed back as it is.
    """
    if plan.status not in USABLE or not sold:
        return Kept(plan)
    broken = undeliverable(problem, plan, sold)
    if broken is None:
        return Kept(plan)
    held = solve(replace(problem, commitments=(*problem.commitments, *sold)))
    if held.status in USABLE and set(held.unplanned) <= set(plan.unplanned):
        return Kept(held, held=True)
    return Kept(plan, broken=Broken(broken.start, held.reasons or broken.words))
