"""What every published policy shares: jobs come one by one, each sees the power still free and decides for good.

A policy knows its own job and the signal, never the jobs that come later; the site's connection limit is hard for all of
them. Work that finds no room before its deadline is run as soon as there is some, and counts as late. It knows no solver.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from flex_engine.compute.job import Job
from flex_engine.optimise.cheapest import Floats, running_total
from flex_engine.optimise.checker import totals
from flex_engine.optimise.classes import Shares, load_of
from flex_engine.optimise.fifo import run_through
from flex_engine.optimise.problem import Problem, Window, window_of
from flex_engine.optimise.solve import Plan

TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Arrival:
    """A job when it arrives, and what its policy may look at.

    `value` is GBP/kWh by half hour and `total` its running total; `free_kw` the power nobody has taken yet. `usual` is the
    mean work of the job's tier in half hours: what policies that cannot know a job's length go by.
    """

    problem: Problem
    job: Job
    window: Window
    value: Floats
    total: Floats
    free_kw: Floats
    usual: float

    @property
    def last(self) -> int:
        """The half hour after the window."""
        return self.window.first + len(self.window.shares)

    def open_shares(self) -> Floats:
        """How much of each half hour of the window the job could still use."""
        free = self.free_kw[self.window.first : self.last]
        shares = np.asarray(self.window.shares)
        if free.min(initial=np.inf) >= self.job.power_kw:
            return shares
        return np.minimum(shares, np.maximum(0.0, free) / self.job.power_kw)


Policy = Callable[[Arrival], Shares]


def dispatch(problem: Problem, policy: Policy, *, name: str) -> Plan:
    """Let `policy` place the jobs in order of arrival under the connection limit; like fifo it knows no commitments.

    Jobs that finish late or not at all are named in `unplanned`.
    """
    begun = time.perf_counter()
    value = np.asarray(problem.value_per_kwh())
    total, usual = running_total(value), usual_work(problem)
    free = np.full(problem.slots, float(problem.site.import_limit_kw - problem.site.must_run_kw))
    allocations: dict[str, Shares] = {}
    late = []
    for job in sorted(problem.jobs, key=lambda one: (one.arrival, one.id)):
        window = window_of(problem, job, merge=False)
        seen = Arrival(problem, job, window, value, total, free, usual[job.tier])
        shares = policy(seen)
        left = window.work - sum(share for _, share in shares)
        if left > 1e-6:
            late.append(job.id)
            shares = shares + spilled(seen, left) if job.preemptible else run_through(problem, job, free.tolist())
        for slot, share in shares:
            free[slot] -= share * job.power_kw
        allocations[job.id] = shares
    load = load_of(problem, {job.id: job.power_kw for job in problem.jobs}, allocations)
    cost, carbon = totals(problem, load)
    took = time.perf_counter() - begun
    reasons = (f"{len(late)} jobs miss their deadline.",) if late else ()
    return Plan("FEASIBLE", tuple(load), allocations, cost, carbon, None, name, took, reasons, tuple(late))


def usual_work(problem: Problem) -> dict[str, float]:
    """Mean work by tier, half hours."""
    known = defaultdict(list)
    for job in problem.jobs:
        known[job.tier].append(job.duration_s / 1800)
    return {tier: float(np.mean(works)) for tier, works in known.items()}


def spilled(seen: Arrival, left: float) -> Shares:
    """Work that found no room in its window, as soon after it as power is free."""
    shares = []
    for slot in range(seen.last, seen.problem.slots):
        share = min(left, 1.0, max(0.0, float(seen.free_kw[slot])) / seen.job.power_kw)
        if share > TINY:
            shares.append((slot, share))
            left -= share
        if left <= TINY:
            break
    return tuple(shares)
