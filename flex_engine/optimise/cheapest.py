"""Each job where it alone would run at least cost, as if it had the site to itself. It knows no solver.

Only the limits couple jobs. So where the load this makes stays under them, it is the optimum, and needs no proof by a
solver; where it does not, its cost still bounds that of every schedule from below.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from flex_engine.compute.job import Job
from flex_engine.optimise.classes import TINY, Shares
from flex_engine.optimise.problem import Problem, Window, window_of
from flex_engine.optimise.starts import moments_of, profile

Floats = NDArray[np.float64]


def cheapest(problem: Problem) -> dict[str, Shares]:
    """Shares of every job that fits its window, limits ignored: interruptible work in its cheapest half hours, the earlier
    of two that cost the same; other jobs at their cheapest start of those the planner considers."""
    value = np.asarray(problem.value_per_kwh())
    total = running_total(value)
    found: dict[str, Shares] = {}
    seen: dict[Window, Shares] = {}
    for job in problem.jobs:
        if job.preemptible:
            window = window_of(problem, job, merge=False)
            if window not in seen:
                seen[window] = cheapest_shares(window.first, window.shares, window.work, value)
            found[job.id] = seen[window]
        else:
            found[job.id] = cheapest_start(problem, job, total)
    return found


def cheapest_shares(first: int, shares: Sequence[float] | Floats, work: float, value: Floats) -> Shares:
    """`work` half hours in the cheapest of the half hours from `first`, each used up to its share.

    Less than `work` where they hold less.

    >>> cheapest_shares(3, (1.0, 0.5, 1.0), 1.25, np.array([9.0, 9, 9, 4, 1, 8]))
    ((3, 0.75), (4, 0.5))
    """
    most = np.asarray(shares, dtype=float)
    order = np.argsort(value[first : first + len(most)], kind="stable")
    filled = np.minimum(np.cumsum(most[order]), work)
    used = np.diff(filled, prepend=0.0)
    kept = np.flatnonzero(used > TINY)
    slots, parts = order[kept], used[kept]
    by_time = np.argsort(slots, kind="stable")
    return tuple(zip((slots[by_time] + first).tolist(), parts[by_time].tolist(), strict=True))


def cheapest_start(problem: Problem, job: Job, total: Floats) -> Shares:
    """The cheapest start of a job that may not be interrupted, the earliest of those that cost the same."""
    moments = moments_of(problem, job)
    work = job.duration_s / 1800
    if not len(moments):
        return ()
    return run_from(float(moments[earliest(area(total, moments, work))]), work)


def earliest(costs: Floats) -> int:
    """Index of the first of the least costs; running totals differ in their last digits where nothing does."""
    least = costs.min()
    return int(np.argmax(costs <= least + 1e-12 * max(1e-3, abs(least))))


def run_from(moment: float, work: float) -> Shares:
    """Shares of a run without interruption that begins at `moment`, in half hours of the plan.

    >>> run_from(2.5, 1.25)
    ((2, 0.5), (3, 0.75))
    """
    first = math.floor(moment)
    return tuple((first + i, share) for i, share in enumerate(profile(moment - first, work)))


def running_total(value: Floats) -> Floats:
    """Value of the half hours before each, one more than there are half hours."""
    return np.concatenate([[0.0], np.cumsum(value)])


def area(total: Floats, moments: Floats, work: float) -> Floats:
    """Value of a kilowatt held for `work` half hours from each moment; beyond the plan its last half hour goes on."""
    slots = np.arange(len(total))
    ends = moments + work
    beyond = np.maximum(0.0, ends - slots[-1]) * (total[-1] - total[-2])
    found: Floats = np.interp(ends, slots, total) + beyond - np.interp(moments, slots, total)
    return found


def bound_gbp(problem: Problem) -> float:
    """What the jobs' energy costs at least, limits ignored: no schedule that does all work on time is cheaper. GBP."""
    value, found = problem.value_per_kwh(), cheapest(problem)
    return sum(job.power_kw / 2 * sum(share * value[slot] for slot, share in found[job.id]) for job in problem.jobs)
