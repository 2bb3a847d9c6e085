"""Policies that pause a job and go on: waiting a while in pieces, and a threshold.

Waiting in the cheapest pieces is the interruptible form of Let's Wait Awhile (Wiesner et al., Middleware 2021); running
below the 30th percentile of the next day is what GAIA (Hanafy et al., ASPLOS 2024) compares with as Ecovisor's way. Jobs
that may not be interrupted get the start that the same rule would give them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from flex_engine.optimise.cheapest import cheapest_shares
from flex_engine.optimise.classes import Shares
from flex_engine.optimise.peers.dispatch import TINY, Arrival
from flex_engine.optimise.peers.starting import start, wait_awhile_uninterrupted
from flex_engine.optimise.starts import moments_of

DAY = 48
LOW = 0.3


def wait_awhile(seen: Arrival) -> Shares:
    """Run in the cheapest half hours of the window."""
    if not seen.job.preemptible:
        return wait_awhile_uninterrupted(seen)
    return cheapest_shares(seen.window.first, seen.open_shares(), seen.window.work, seen.value)


def threshold(day: int = DAY, low: float = LOW) -> Callable[[Arrival], Shares]:
    """Run while the signal is below the `low` quantile of the `day` half hours from arrival, or once nothing more can wait."""
    return partial(below, day=day, low=low)


def below(seen: Arrival, *, day: int, low: float) -> Shares:
    """The shares of one job under a threshold."""
    window = seen.window
    if not window.shares:
        return ()
    limit = np.quantile(seen.value[window.first : window.first + day], low)
    if not seen.job.preemptible:
        moments = moments_of(seen.problem, seen.job)
        waits = seen.value[np.floor(moments).astype(int)] >= limit
        return start(seen, moments, np.where(waits, 1.0, 0.0) * (len(moments) - np.arange(len(moments))))
    usable = np.asarray(window.shares)
    runs = seen.value[window.first : seen.last] < limit
    waited = np.cumsum(np.where(runs, 0.0, usable))
    runs |= waited > window.room - window.work + TINY
    used = np.diff(np.minimum(np.cumsum(np.where(runs, seen.open_shares(), 0.0)), window.work), prepend=0.0)
    return tuple((window.first + i, float(used[i])) for i in np.flatnonzero(used > TINY).tolist())
