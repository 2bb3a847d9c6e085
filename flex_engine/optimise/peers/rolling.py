"""Plan again whenever a job arrives, with the jobs known by then and nothing held back for those to come.

The signal is known; the arrivals are not. What it loses against the plan that knows every arrival is the price of that.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import replace

from flex_engine.compute.job import Job
from flex_engine.optimise.checker import totals
from flex_engine.optimise.classes import Shares, load_of
from flex_engine.optimise.fifo import fifo
from flex_engine.optimise.peers.dispatch import TINY
from flex_engine.optimise.problem import Problem, remaining
from flex_engine.optimise.solve import Plan, solve


def rolling(problem: Problem) -> Plan:
    """Each half hour in which a job arrives, the cheapest plan of what is known and left, followed until the next.

    Where that has no plan, or a job can no longer make its deadline, work runs as soon as power is free and counts as late.
    """
    begun = time.perf_counter()
    arriving = defaultdict(list)
    for job in problem.jobs:
        arriving[max(0, problem.slot_of(job.arrival))].append(job)
    known: list[Job] = []
    allocations: dict[str, Shares] = {}
    for slot in sorted(arriving):
        known += arriving[slot]
        left = remaining(replace(problem, jobs=tuple(known)), allocations, slot=slot)
        ahead = replan(left)
        going_on = {job.id for job in left.jobs}
        known = [job for job in known if job.id in going_on]
        for name in going_on:
            past = tuple(pair for pair in allocations.get(name, ()) if pair[0] < slot)
            allocations[name] = past + tuple((slot + at, share) for at, share in ahead.get(name, ()))
    late = tuple(job.id for job in problem.jobs if is_late(problem, job, allocations.get(job.id, ())))
    load = load_of(problem, {job.id: job.power_kw for job in problem.jobs}, allocations)
    cost, carbon = totals(problem, load)
    took = time.perf_counter() - begun
    reasons = (f"{len(late)} jobs miss their deadline.",) if late else ()
    return Plan("FEASIBLE", tuple(load), allocations, cost, carbon, None, "rolling, no reserve", took, reasons, late)


def replan(left: Problem) -> dict[str, Shares]:
    """Allocations of what is left, counted from its own start."""
    plan = solve(left)
    if plan.status not in {"OPTIMAL", "FEASIBLE"}:
        return fifo(left).allocations
    free = [left.site.import_limit_kw - kw for kw in plan.load_kw]
    found = dict(plan.allocations)
    for job in left.jobs:
        if job.id not in found:
            found[job.id] = squeezed(job, free)
    return found


def squeezed(job: Job, free_kw: list[float]) -> Shares:
    """A job past its deadline, in whatever the plan leaves free; takes that power."""
    shares, left = [], job.duration_s / 1800
    for slot, kw in enumerate(free_kw):
        share = min(left, 1.0, max(0.0, kw) / job.power_kw)
        if share > TINY:
            shares.append((slot, share))
            free_kw[slot] -= share * job.power_kw
            left -= share
        if left <= TINY:
            break
    return tuple(shares)


def is_late(problem: Problem, job: Job, shares: Shares) -> bool:
    """Whether any of the job's work is missing or runs in a half hour that begins at or after its deadline."""
    done = sum(share for _, share in shares) * 1800
    return done < job.duration_s - 1 or any(problem.time(slot) >= job.deadline for slot, _ in shares)
