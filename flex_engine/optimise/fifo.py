"""First come, first served: what a site without a plan would do. The baseline every saving is stated against. No solver."""

from __future__ import annotations

import time

from flex_engine.compute.job import Job
from flex_engine.optimise.checker import totals
from flex_engine.optimise.classes import Shares, load_of
from flex_engine.optimise.problem import Problem
from flex_engine.optimise.solve import Plan, profile

EPSILON = 1e-9


def fifo(problem: Problem) -> Plan:
    """Each job as soon as it arrives and power is free under the connection limit, in order of arrival.

    It knows no prices and no commitments. Jobs that finish late or not at all are named in `unplanned`.
    """
    begun = time.perf_counter()
    free = [problem.site.import_limit_kw - problem.site.must_run_kw] * problem.slots
    allocations: dict[str, Shares] = {}
    late = []
    for job in sorted(problem.jobs, key=lambda one: (one.arrival, one.id)):
        shares = pour(problem, job, free) if job.preemptible else run_through(problem, job, free)
        for slot, share in shares:
            free[slot] -= share * job.power_kw
        allocations[job.id] = shares
        if sum(share for _, share in shares) * 1800 < job.duration_s - 1 or (
            shares and problem.time(shares[-1][0]) + (problem.time(1) - problem.time(0)) * shares[-1][1] > job.deadline
        ):
            late.append(job.id)
    load = load_of(problem, {job.id: job.power_kw for job in problem.jobs}, allocations)
    cost, carbon = totals(problem, load)
    reasons = (f"{len(late)} jobs miss their deadline.",) if late else ()
    return Plan(
        "FEASIBLE",
        tuple(load),
        allocations,
        cost,
        carbon,
        None,
        "FIFO",
        time.perf_counter() - begun,
        reasons,
        tuple(late),
    )


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
