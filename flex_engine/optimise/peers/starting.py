"""Policies that choose when a job starts and then let it run: lowest slot, lowest window, carbon-time, and waiting a while.

Lowest slot, lowest window and carbon-time are those of GAIA (Hanafy et al., ASPLOS 2024), which knows a job's queue but not
its length; waiting without interruption is that of Let's Wait Awhile (Wiesner et al., Middleware 2021), which knows it.
"""

from __future__ import annotations

import numpy as np

from flex_engine.optimise.cheapest import Floats, area, earliest, run_from
from flex_engine.optimise.classes import Shares
from flex_engine.optimise.peers.dispatch import Arrival
from flex_engine.optimise.starts import fitting, moments_of


def lowest_slot(seen: Arrival) -> Shares:
    """Start in the cheapest half hour of those the job may start in."""
    moments = moments_of(seen.problem, seen.job)
    return start(seen, moments, seen.value[np.floor(moments).astype(int)])


def lowest_window(seen: Arrival) -> Shares:
    """Start where a job of the usual length would cost least."""
    moments = moments_of(seen.problem, seen.job)
    return start(seen, moments, area(seen.total, moments, seen.usual))


def carbon_time(seen: Arrival) -> Shares:
    """Start where a job of the usual length saves most for each half hour until it is done."""
    moments = moments_of(seen.problem, seen.job)
    costs = area(seen.total, moments, seen.usual)
    if not len(moments):
        return ()
    return start(seen, moments, -(costs[0] - costs) / (moments - moments[0] + seen.usual))


def wait_awhile_uninterrupted(seen: Arrival) -> Shares:
    """Start where the job itself costs least."""
    moments = moments_of(seen.problem, seen.job)
    return start(seen, moments, area(seen.total, moments, seen.window.work))


def start(seen: Arrival, moments: Floats, score: Floats) -> Shares:
    """Run from the moment of least score that has room throughout, the earliest of equals; nothing when none has."""
    if not len(moments):
        return ()
    room = fitting(seen.free_kw, moments, moments + seen.window.work, seen.job.power_kw)
    if not room.any():
        return ()
    return run_from(float(moments[earliest(np.where(room, score, np.inf))]), seen.window.work)
