"""Merge jobs that are alike into one class of variables, exactly, and give each job its share back.

Jobs with the same window and the same work are interchangeable up to their power: one profile of shares serves them all,
and any mixture of their profiles is that profile. So the smaller problem has the same optimum. It knows no solver.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flex_engine.compute.job import Job
from flex_engine.optimise.problem import Problem, Window, window_of

TINY = 1e-9
Shares = tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class JobClass:
    """Jobs that share one window and amount of work; `power_kw` is their sum."""

    window: Window
    jobs: tuple[str, ...]
    power_kw: float


def aggregate(problem: Problem, jobs: Sequence[Job], *, merge: bool = True) -> list[JobClass]:
    """Classes of `jobs`, in order of first appearance; `merge` as in window_of."""
    groups: dict[Window, list[Job]] = {}
    for job in jobs:
        groups.setdefault(window_of(problem, job, merge=merge), []).append(job)
    return [
        JobClass(window, tuple(j.id for j in members), sum(j.power_kw for j in members))
        for window, members in groups.items()
    ]


def disaggregate(classes: Sequence[JobClass], profiles: Sequence[Sequence[float]]) -> dict[str, Shares]:
    """Each job's (slot, share) pairs from its class's profile, clipped to the window and exact in total work."""
    found: dict[str, Shares] = {}
    for group, profile in zip(classes, profiles, strict=True):
        shares = tidy(group.window, profile)
        found |= dict.fromkeys(group.jobs, shares)
    return found


def tidy(window: Window, profile: Sequence[float]) -> Shares:
    """Clip a solver's profile to its bounds and put its rounding residue where there is room, so that work sums exactly."""
    values = [min(max(value, 0.0), share) for value, share in zip(profile, window.shares, strict=True)]
    missing = window.work - sum(values)
    for index, share in sorted(enumerate(window.shares), key=lambda pair: -values[pair[0]]):
        if abs(missing) < 1e-12:
            break
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
