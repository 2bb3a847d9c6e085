"""Why a plan cannot be had, and the smallest things that would let it be, in words a site operator can act on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from flex_engine.compute.job import Job
from flex_engine.optimise.formulate import Formulation
from flex_engine.optimise.problem import Commitment, Problem, window_of

MOST_NAMED = 5


def admissible(problem: Problem) -> tuple[list[Job], list[str], tuple[str, ...]]:
    """(jobs that fit their own window, ids of those that cannot whatever the others do, why in words)."""
    free_kw = problem.site.import_limit_kw - problem.site.must_run_kw
    fitting, left_out, reasons = [], [], []
    for job in problem.jobs:
        window = window_of(problem, job)
        if window.room < window.work - 1e-9:
            ends = problem.time(problem.slots)
            short = f"Job {job.id} needs {(window.work - window.room) / 2:.2f} hours more than"
            if job.deadline > ends:
                why = f"{short} are left before the plan ends at {ends:%Y-%m-%dT%H:%M}Z; plan more days."
            else:
                why = f"{short} its window holds; move its deadline."
        elif job.power_kw > free_kw + 1e-9 and not job.preemptible:
            why = f"Job {job.id} draws {job.power_kw:g} kW, above the {free_kw:g} kW beside the must-run load; raise the site limit."
        else:
            fitting.append(job)
            continue
        left_out.append(job.id)
        reasons.append(why)
    return fitting, left_out, tuple(reasons)


def must_run_too_high(problem: Problem) -> str:
    """The half hour whose limit the must-run load alone exceeds, in words; empty when there is none."""
    limits = problem.limits_kw()
    slot = min(range(problem.slots), key=lambda one: limits[one])
    if limits[slot] >= problem.site.must_run_kw - 1e-9:
        return ""
    orders = sorted({promise.order for promise in problem.commitments if problem.slot_of(promise.start) == slot})
    whose = f" (order {', '.join(orders)})" if orders else ""
    return (
        f"The must-run load of {problem.site.must_run_kw:g} kW is above the limit of {limits[slot]:g} kW at "
        f"{problem.time(slot):%Y-%m-%dT%H:%M}Z{whose}; lower it, or that limit."
    )


def floor_too_high(problem: Problem) -> str:
    """The half hour in which more is promised to be drawn than its limit allows, in words; empty when there is none."""
    limits, floors = problem.limits_kw(), problem.floors_kw()
    slot = max(range(problem.slots), key=lambda one: floors[one] - limits[one])
    if floors[slot] <= limits[slot] + 1e-9:
        return ""
    orders = sorted(
        {
            promise.order
            for promise in problem.commitments
            if problem.slot_of(promise.start) == slot and promise.site_min_kw > limits[slot]
        }
    )
    return (
        f"The {floors[slot]:g} kW that the site must draw at {problem.time(slot):%Y-%m-%dT%H:%M}Z (order "
        f"{', '.join(orders)}) are above its limit of {limits[slot]:g} kW; raise that limit."
    )


def relaxations(problem: Problem, model: Formulation, *, whole: bool, time_limit_s: float) -> tuple[str, ...]:
    """The smallest changes that make an infeasible problem feasible: more power here, less promised or work later there.

    They are found by two more solves, with priced slack on the limits and floors, and on the work.
    """
    more = model.solve(whole=whole, elastic="capacity", time_limit_s=time_limit_s)
    over = [slot for slot, kw in enumerate(more.excess) if kw > 1e-6]
    under = [slot for slot, kw in enumerate(more.lack) if kw > 1e-6]
    words = ["Not all work fits under the limits before its deadline."] if over or not under else []
    if under:
        words.append("There is not enough work that could run when the site must draw more.")
    parts = [changed(problem, more.excess, over, "more")] if over else []
    parts += [changed(problem, more.lack, under, "less promised")] if under else []
    if parts:
        words.append(f"With {' and '.join(parts)} everything fits{held_by(problem, over)}{asked_by(problem, under)}.")
    less = model.solve(whole=whole, elastic="work", time_limit_s=time_limit_s)
    cut = [(short, group.jobs) for short, group in zip(less.short, model.classes, strict=False) if short > 1e-6]
    for short, jobs in sorted(cut, key=lambda pair: -pair[0])[:MOST_NAMED]:
        named = ", ".join(jobs[:3]) + (f" and {len(jobs) - 3} like them" if len(jobs) > 3 else "")
        each = " each" if len(jobs) > 1 else ""
        words.append(f"Or let {named} finish {short / 2:.2f} hours{each} of work after the deadline.")
    return tuple(words)


def changed(problem: Problem, kw: Sequence[float], slots: Sequence[int], what: str) -> str:
    """`up to 5.0 kW more in 2 half hours (most at ...)`."""
    worst = max(slots, key=lambda slot: kw[slot])
    return f"up to {kw[worst]:.1f} kW {what} in {len(slots)} half hours (most at {problem.time(worst):%Y-%m-%dT%H:%M}Z)"


def held_by(problem: Problem, slots: Sequence[int]) -> str:
    """`; order X limits 2 of them` where commitments, not the connection, are the limit."""
    return counted(problem, slots, "limits", lambda promise: math.isfinite(promise.site_max_kw))


def asked_by(problem: Problem, slots: Sequence[int]) -> str:
    """`; order X asks for 2 of them`, of the commitments to turn up."""
    return counted(problem, slots, "asks for", lambda promise: promise.site_min_kw > 0)


def counted(problem: Problem, slots: Sequence[int], verb: str, wanted: Callable[[Commitment], bool]) -> str:
    """How many of `slots` each order that is `wanted` binds."""
    counts: dict[str, int] = {}
    for promise in problem.commitments:
        if problem.slot_of(promise.start) in slots and wanted(promise):
            counts[promise.order] = counts.get(promise.order, 0) + 1
    return "".join(f"; order {order} {verb} {count} of them" for order, count in sorted(counts.items()))
