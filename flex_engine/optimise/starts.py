"""Jobs that may not be interrupted: every start they can have, and one start for each where there are too many to choose
from at once. It knows no solver: prices come from outside."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from flex_engine.compute.job import Job
from flex_engine.optimise.formulate import Start
from flex_engine.optimise.problem import Problem
from flex_engine.timegrid import HALF_HOUR

EPSILON = 1e-9


def starts_of(problem: Problem, index: int, job: Job) -> list[Start]:
    """Every start of an uninterrupted job, as moments_of has them."""
    work = job.duration_s / HALF_HOUR.total_seconds()
    return [
        Start(index, math.floor(moment), profile(moment - math.floor(moment), work), job.power_kw)
        for moment in moments_of(problem, job).tolist()
    ]


def moments_of(problem: Problem, job: Job) -> NDArray[np.float64]:
    """When an uninterrupted job may start, in half hours of the plan, in order: at its very arrival, and at each half hour
    from which it ends by its deadline. Empty when it fits nowhere."""
    end = problem.start + problem.slots * HALF_HOUR
    work = job.duration_s / HALF_HOUR.total_seconds()
    arrival = (max(job.arrival, problem.start) - problem.start) / HALF_HOUR
    latest = (min(job.deadline, end) - problem.start) / HALF_HOUR - work + EPSILON
    whole = np.arange(math.ceil(arrival), math.floor(latest) + 1, dtype=float)
    if arrival > latest:
        return whole[:0]
    return whole if len(whole) and whole[0] == arrival else np.concatenate([[arrival], whole])


def fitting(
    free_kw: NDArray[np.float64], begin: NDArray[np.float64], end: NDArray[np.float64], kw: float
) -> NDArray[np.bool_]:
    """Whether `kw` is free from each `begin` to its `end`, in half hours of the plan, in order; at least one of them.

    >>> fitting(np.array([9.0, 4.0, 9.0]), np.array([0.0, 0.5, 2.0]), np.array([1.25, 2.0, 3.0]), 8.0).tolist()
    [True, False, True]
    """
    low, high = math.floor(begin[0]), math.ceil(end[-1] - EPSILON)
    free = free_kw[low:high] + EPSILON
    if free.min() >= kw:
        return np.ones(len(begin), dtype=bool)
    blocked = np.concatenate([[0], np.cumsum(free < kw)])
    free = np.append(free, np.inf)
    a, b = begin - low, end - low
    first, inner, last = (x.astype(int) for x in (np.floor(a), np.ceil(a - EPSILON), np.floor(b + EPSILON)))
    whole = blocked[np.maximum(inner, last)] == blocked[inner]
    head = np.where(first < inner, np.minimum(b, inner) - a, 0.0)
    tail = np.where(last >= inner, np.maximum(0.0, b - last), 0.0)
    return whole & (free[first] >= head * kw) & (free[last] >= tail * kw)


def profile(late: float, work: float) -> tuple[float, ...]:
    """Shares of consecutive half hours of `work` half hours of running that begin `late` into the first.

    >>> profile(0.25, 1.5)
    (0.75, 0.75)
    """
    shares, left, room = [], work, 1 - late
    while left > 1e-12:
        shares.append(min(left, room))
        left -= shares[-1]
        room = 1.0
    return tuple(shares)


def place(
    starts: Sequence[Start], jobs: Sequence[Job], price: Sequence[float], room_kw: Sequence[float]
) -> list[Start] | Job:
    """One start a job, largest job first, each at the cheapest start with room; the job that found none otherwise.

    `price` is GBP per kW held for a half hour, that of a full half hour's power included. A job left without room proves
    nothing: another order of placing might have kept room for it.
    """
    room, options = list(room_kw), dict[int, list[Start]]()
    for start in starts:
        options.setdefault(start.job, []).append(start)
    chosen = []
    for index in sorted(range(len(jobs)), key=lambda i: (-jobs[i].power_kw * jobs[i].duration_s, jobs[i].id)):
        fits = [one for one in options.get(index, []) if has_room(one, room)]
        if not fits:
            return jobs[index]
        best = min(fits, key=lambda one: sum(share * price[one.first + i] for i, share in enumerate(one.shares)))
        for i, share in enumerate(best.shares):
            room[best.first + i] -= share * best.power_kw
        chosen.append(best)
    return chosen


def has_room(start: Start, room_kw: Sequence[float]) -> bool:
    """Whether every half hour of a start fits under what is left."""
    return all(room_kw[start.first + i] >= share * start.power_kw - EPSILON for i, share in enumerate(start.shares))
