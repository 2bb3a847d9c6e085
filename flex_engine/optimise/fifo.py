"""First come, first served: what a site without a plan would do. The baseline every saving is stated against. No solver."""

from __future__ import annotations

import time
from datetime import datetime

from flex_engine.compute.job import Job
from flex_engine.optimise.checker import totals
from flex_engine.optimise.classes import Shares, load_of
from flex_engine.optimise.problem import Problem
from flex_engine.optimise.solve import Plan
from flex_engine.optimise.starts import profile
from flex_engine.timegrid import HALF_HOUR

EPSILON = 1e-9


def fifo(problem: Problem) -> Plan:
    """Each job as soon as it arrives and power is free under the connection limit, in order of arrival.

    It knows no prices and no commitments. Jobs that finish late or not at all are named in `unplanned`, and work that does
    not fit before the end of the plan is named in `reasons`: its cost is then not in cost_gbp.
    """
    begun = time.perf_counter()
    free = [problem.site.import_limit_kw - problem.site.must_run_kw] * problem.slots
    allocations: dict[str, Shares] = {}
    late, undone_kwh = [], 0.0
    for job in sorted(problem.jobs, key=lambda one: (one.arrival, one.id)):
        shares = pour(problem, job, free) if job.preemptible else run_through(problem, job, free)
        for slot, share in shares:
            free[slot] -= share * job.power_kw
        allocations[job.id] = shares
        left_s = job.duration_s - sum(share for _, share in shares) * 1800
        if left_s > 1:
            undone_kwh += left_s * job.power_kw / 3600
        if left_s > 1 or finish(problem, job, shares) > job.deadline:
            late.append(job.id)
    load = load_of(problem, {job.id: job.power_kw for job in problem.jobs}, allocations)
    cost, carbon = totals(problem, load)
    reasons = [f"{len(late)} jobs miss their deadline."] if late else []
    if undone_kwh:
        reasons.append(f"{undone_kwh:.1f} kWh of work does not fit before the plan ends and is not in its cost.")
    solve_s = time.perf_counter() - begun
    return Plan("FEASIBLE", tuple(load), allocations, cost, carbon, None, "FIFO", solve_s, tuple(reasons), tuple(late))


def finish(problem: Problem, job: Job, shares: Shares) -> datetime:
    """When a job that runs as early as it can within its half hours is done."""
    if not shares:
        return max(job.arrival, problem.start)
    slot, share = shares[-1]
    return max(problem.time(slot), job.arrival) + share * HALF_HOUR


def pour(problem: Problem, job: Job, free: list[float]) -> Shares:
    """Run an interruptible job in every half hour from its arrival on, as far as power is free."""
    shares, left = [], job.duration_s / 1800
    first = max(0, problem.slot_of(job.arrival))
    for slot in range(first, problem.slots):
        open_share = min(1.0, 1 - max(0.0, (job.arrival - problem.time(slot)).total_seconds() / 1800))
        share = min(left, open_share, max(0.0, free[slot]) / job.power_kw)
        if share > EPSILON:
            shares.append((slot, share))
            left -= share
        if left <= EPSILON:
            break
    return tuple(shares)


def run_through(problem: Problem, job: Job, free: list[float]) -> Shares:
    """Run a job that may not be interrupted at the first start with power free throughout; empty when there is none."""
    first = max(0, problem.slot_of(job.arrival))
    lateness = max(0.0, (job.arrival - problem.time(first)).total_seconds() / 1800)
    for slot in range(first, problem.slots):
        shape = profile(lateness if slot == first else 0.0, job.duration_s / 1800)
        if slot + len(shape) > problem.slots:
            break
        if all(free[slot + i] >= share * job.power_kw - EPSILON for i, share in enumerate(shape)):
            return tuple((slot + i, share) for i, share in enumerate(shape))
    return ()
