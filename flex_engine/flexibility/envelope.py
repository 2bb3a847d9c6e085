"""How much a planned site could turn down or up in each half hour taken alone. O(jobs x half hours they run), no solver.

What is guaranteed: for any ONE half hour, with the plan followed up to it, a schedule exists that draws `down_kw` less
(or `up_kw` more) than planned in it, keeps every deadline, the connection limit and every commitment, and leaves the plan
as it is but for that move. The schedule is built (`turned_down`), so the figure is a proved lower bound, not an estimate;
a cleverer rearrangement may reach more. Two half hours together can give less: that is the certificate's question.
Jobs that may not be interrupted stay where the plan has them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flex_engine.compute.job import Job
from flex_engine.optimise.checker import Checkable
from flex_engine.optimise.classes import Shares
from flex_engine.optimise.problem import Problem, window_of

Array = NDArray[np.float64]
LEAST_SHARE = 1e-9


@dataclass(frozen=True, slots=True)
class Envelope:
    """kW under (`down_kw`) and over (`up_kw`) the plan that each half hour allows singly."""

    down_kw: tuple[float, ...]
    up_kw: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Track:
    """One interruptible job in the plan: shares run and shares still open, from half hour `first` on."""

    job: Job
    first: int
    run: Array
    open: Array

    @property
    def last(self) -> int:
        """One past its last half hour."""
        return self.first + len(self.run)


def envelope(problem: Problem, plan: Checkable) -> Envelope:
    """The room around `plan` in every half hour. The plan must be one of this problem."""
    tracks, free_kw, over_kw = tracks_of(problem, plan), free_of(problem, plan), over_of(problem, plan)
    running: list[list[Track]] = [[] for _ in range(problem.slots)]
    for track in tracks:
        for offset in np.flatnonzero(track.run > LEAST_SHARE).tolist():
            running[track.first + offset].append(track)
    down = tuple(
        sum(kw for _, _, kw in moves(running[slot], slot, free_kw.copy(), most_kw=float(over_kw[slot])))
        for slot in range(problem.slots)
    )
    bound = any(problem.floors_kw())
    return Envelope(down, up_over(tracks, free_kw, over_kw) if bound else up_of(problem, tracks, free_kw))


def turned_down(problem: Problem, plan: Checkable, slot: int) -> dict[str, Shares]:
    """The schedule that proves `down_kw` of half hour `slot`: the plan with that half hour's work moved later."""
    tracks = [t for t in tracks_of(problem, plan) if t.first <= slot < t.last and t.run[slot - t.first] > LEAST_SHARE]
    found = dict(plan.allocations)
    over_kw = float(over_of(problem, plan)[slot])
    for track, used_kw, moved_kw in moves(tracks, slot, free_of(problem, plan), most_kw=over_kw):
        run = track.run.copy()
        run[slot - track.first] -= moved_kw / track.job.power_kw
        run[slot + 1 - track.first :] += used_kw / track.job.power_kw
        found[track.job.id] = tuple(
            (track.first + i, share) for i, share in enumerate(run.tolist()) if share > LEAST_SHARE
        )
    return found


def tracks_of(problem: Problem, plan: Checkable) -> list[Track]:
    """The interruptible jobs of the plan, on their own windows."""
    found = []
    for job in problem.jobs:
        if not job.preemptible or job.id not in plan.allocations:
            continue
        window = window_of(problem, job, merge=False)
        run = np.zeros(len(window.shares))
        for slot, share in plan.allocations[job.id]:
            run[slot - window.first] = share
        found.append(Track(job, window.first, run, np.maximum(0.0, np.asarray(window.shares) - run)))
    return found


def free_of(problem: Problem, plan: Checkable) -> Array:
    """kW left under the limits beside the plan."""
    return np.maximum(0.0, np.asarray(problem.limits_kw()) - np.asarray(plan.load_kw))


def over_of(problem: Problem, plan: Checkable) -> Array:
    """kW that the plan draws beyond what a turn-up promised: what may be taken out of a half hour."""
    return np.maximum(0.0, np.asarray(plan.load_kw) - np.asarray(problem.floors_kw()))


def moves(tracks: list[Track], slot: int, free_kw: Array, *, most_kw: float) -> list[tuple[Track, Array, float]]:
    """(job, kW added to each later half hour of its window, kW taken from `slot`): earliest window end first, as early as
    there is room in the job's own window and under the site's limits. `free_kw` is used up on the way, up to `most_kw` in all."""
    found = []
    for track in sorted(tracks, key=lambda one: (one.last, one.job.id)):
        later = slice(slot + 1 - track.first, None)
        most = np.minimum(track.open[later] * track.job.power_kw, free_kw[slot + 1 : track.last])
        if not most.size:
            continue
        reached = np.minimum(np.cumsum(most), min(track.run[slot - track.first] * track.job.power_kw, most_kw))
        used = np.diff(reached, prepend=0.0)
        free_kw[slot + 1 : track.last] -= used
        most_kw -= float(reached[-1])
        found.append((track, used, float(reached[-1])))
    return found


def up_of(problem: Problem, tracks: list[Track], free_kw: Array) -> tuple[float, ...]:
    """kW that jobs already there could pull forward from their own later half hours, within the limits."""
    up = np.zeros(problem.slots)
    for track in tracks:
        later = np.cumsum(track.run[::-1])[::-1] - track.run
        up[track.first : track.last] += track.job.power_kw * np.minimum(track.open, later)
    return tuple(np.minimum(up, free_kw).tolist())


def up_over(tracks: list[Track], free_kw: Array, over_kw: Array) -> tuple[float, ...]:
    """As up_of where turn-ups hold some later half hours: what they promised is not pulled out of them.

    One job after the other takes from its latest half hours first, so it is a bound that a schedule reaches, not the most.
    """
    return tuple(pulled(tracks, slot, free_kw[slot], over_kw.copy()) for slot in range(len(free_kw)))


def pulled(tracks: list[Track], slot: int, most_kw: float, over_kw: Array) -> float:
    """kW pulled into `slot`, at most `most_kw`; `over_kw` is used up on the way."""
    total = 0.0
    for track in sorted(tracks, key=lambda one: (-one.last, one.job.id)):
        if not track.first <= slot < track.last:
            continue
        later = slice(slot + 1, track.last)
        there = np.minimum(track.run[slot + 1 - track.first :] * track.job.power_kw, over_kw[later])[::-1]
        most = min(track.open[slot - track.first] * track.job.power_kw, most_kw - total)
        taken = np.diff(np.minimum(np.cumsum(there), most), prepend=0.0)
        over_kw[later] -= taken[::-1]
        total += float(taken.sum())
    return total
