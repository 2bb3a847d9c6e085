"""Merge jobs that are alike into one class of variables, exactly, and give each job its share back.

Jobs with the same window and the same work are interchangeable up to their power: one profile of shares serves them all,
and any mixture of their profiles is that profile. So the smaller problem has the same optimum.

Work that is no whole number of half hours is split, exactly too. A job of n + f half hours in a window of whole half hours
can do what two jobs together can: n half hours at the share 1 - f of its power, and n + 1 at the share f. For the rank of a
set of k half hours is min(k, n + f) = (1 - f) min(k, n) + f min(k, n + 1), and the profiles of a sum of ranks are the sums
of their profiles (Edmonds 1970). So jobs of all durations fall into a few classes for each window. It knows no solver.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from flex_engine.compute.job import Job
from flex_engine.optimise.problem import Problem, Window, window_of

TINY = 1e-9
Shares = tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class JobClass:
    """Jobs that share one window and amount of work; `power_kw` is their sum. `parts` is the share of each job's power that
    is in this class; all of it where it is empty."""

    window: Window
    jobs: tuple[str, ...]
    power_kw: float
    parts: tuple[float, ...] = ()


def aggregate(problem: Problem, jobs: Sequence[Job], *, merge: bool = True) -> list[JobClass]:
    """Classes of `jobs`, in order of first appearance. `merge` as in window_of; with it, work is split as well."""
    groups: dict[Window, list[tuple[Job, float]]] = {}
    for job in jobs:
        window = window_of(problem, job, merge=merge)
        for part, whole in split(window) if merge else [(1.0, window)]:
            groups.setdefault(whole, []).append((job, part))
    return [
        JobClass(
            window,
            tuple(job.id for job, _ in members),
            sum(part * job.power_kw for job, part in members),
            tuple(part for _, part in members) if any(part != 1.0 for _, part in members) else (),
        )
        for window, members in groups.items()
    ]


def split(window: Window) -> list[tuple[float, Window]]:
    """The (share of power, window with whole work) pairs that together can do exactly what the window can.

    >>> [(part, one.work) for part, one in split(Window(0, (1.0, 1.0, 1.0), 1.25))]
    [(0.75, 1.0), (0.25, 2.0)]
    """
    whole = math.floor(window.work + TINY)
    rest = window.work - whole
    slots = len(window.shares)
    if rest < TINY or whole + 1 > slots or window.shares != (1.0,) * slots:
        return [(1.0, window)]
    more = (rest, replace(window, work=whole + 1.0))
    return [(1 - rest, replace(window, work=float(whole))), more] if whole else [more]


def disaggregate(classes: Sequence[JobClass], profiles: Sequence[Sequence[float]]) -> dict[str, Shares]:
    """Each job's (slot, share) pairs from its classes' profiles, clipped to the window and exact in total work."""
    found: dict[str, Shares] = {}
    mixed: dict[str, dict[int, float]] = {}
    for group, profile in zip(classes, profiles, strict=True):
        shares = tidy(group.window, profile)
        for job, part in zip(group.jobs, group.parts, strict=False):
            if part == 1.0:
                found[job] = shares
                continue
            mixture = mixed.setdefault(job, {})
            for slot, share in shares:
                mixture[slot] = mixture.get(slot, 0.0) + part * share
        if not group.parts:
            found |= dict.fromkeys(group.jobs, shares)
    return found | {job: tuple(sorted(mixture.items())) for job, mixture in mixed.items()}


def tidy(window: Window, profile: Sequence[float]) -> Shares:
    """Clip a solver's profile to its bounds and put its rounding residue where there is room, so that work sums exactly."""
    values = np.clip(profile, 0.0, window.shares).tolist()
    missing = window.work - sum(values)
    for index in sorted(range(len(values)), key=lambda at: -values[at]) if abs(missing) >= 1e-12 else ():
        if abs(missing) < 1e-12:
            break
        share = window.shares[index]
        step = min(max(missing, -values[index]), share - values[index])
        values[index] += step
        missing -= step
    return tuple((window.first + i, value) for i, value in enumerate(values) if value > TINY)


def load_of(problem: Problem, power_kw: Mapping[str, float], allocations: Mapping[str, Shares]) -> list[float]:
    """Site power in kW per half hour: must-run plus every job's share times its power."""
    load = [problem.site.must_run_kw] * problem.slots
    for job, shares in allocations.items():
        power = power_kw[job]
        for slot, share in shares:
            load[slot] += power * share
    return load
