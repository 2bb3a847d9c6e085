"""Days on which the scheduler sold flexibility and worked ahead of the event, or was kept from it: to try the detector on.

Each day is planned, sold from, and planned again by the real optimiser. `guarded` days hold the adjustment window to the
schedule declared before the sale; on the others nothing keeps the optimiser from pulling work into it, and it often does.
What the meter shows differs from the plan because jobs do not draw what they were said to. All from a seed: SIMULATED.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from flex_engine.compute.job import Job
from flex_engine.optimise.classes import Shares
from flex_engine.optimise.problem import Commitment, Problem, SiteLimits, remaining
from flex_engine.optimise.solve import Plan, solve
from flex_engine.settle.pull_forward import DeclaredWindow
from flex_engine.simulate.synthetic import meter
from flex_engine.timegrid import HALF_HOUR

START = datetime(2026, 1, 15, tzinfo=UTC)
SLOTS = 56  # to 04:00 the next day, so that work may also be put off
SOLD_AT = 22  # 11:00, an hour before the window
WINDOW = range(24, 30)  # 12:00 to 15:00: three hours that end an hour before the event
EVENT = range(32, 38)  # 16:00 to 19:00
MUST_RUN_KW = 300.0
JOBS = 60
CONTROL_DAYS = 45  # of the sixty days that baselines look back on, a quarter had events
POWER_ERROR = 0.05  # of each job's power, all day long: what a job draws is not what it was said to draw
MUST_RUN_ERROR = 0.01
WATT = 1e-3

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Day:
    """One simulated event day: its window, the controls, and the truth that the detector is not told, in kWh."""

    window: DeclaredWindow
    controls: tuple[DeclaredWindow, ...]
    sold_at: datetime
    event_periods: int
    pulled_kwh: float
    sold_kwh: float


def play(seed: int, *, guarded: bool) -> Day | None:
    """The day of `seed`; None where the site could not have sold, for want of load or of a plan that keeps the sale."""
    rng = np.random.default_rng(seed)
    problem = problem_of(rng)
    declared = solve(problem)
    if not declared.allocations:
        return None
    share = float(rng.uniform(0.3, 0.9))
    again = replanned(problem, declared, share=share, guarded=guarded)
    if not again.allocations:
        return None
    before = by_job(problem, declared.allocations, first=0)
    after = by_job(problem, again.allocations, first=SOLD_AT)
    sold = sum((declared.load_kw[slot] - MUST_RUN_KW) * share for slot in EVENT) / 2
    controls = [window_of(problem, before, before, rng, days=back) for back in range(CONTROL_DAYS, 0, -1)]
    return Day(
        window=window_of(problem, before, after, rng, days=0),
        controls=tuple(controls),
        sold_at=problem.time(SOLD_AT),
        event_periods=len(EVENT),
        pulled_kwh=float(after.sum() - before.sum()) / 2,
        sold_kwh=sold,
    )


def problem_of(rng: np.random.Generator) -> Problem:
    """A day's queue at a site that is mostly full, with an evening that is dearer than the afternoon."""
    made = []
    for index in range(JOBS):
        arrival, duration, slack = int(rng.integers(0, 40)), int(rng.integers(1, 13)), int(rng.integers(2, 20))
        deadline = min(SLOTS, arrival + duration + slack)
        power_kw = round(float(rng.uniform(20, 100)), 1)
        if arrival + duration <= deadline:
            window = (START + arrival * HALF_HOUR, START + deadline * HALF_HOUR)
            made.append(Job(f"sim-{index:02d}", *window, duration_s=duration * 1800, power_kw=power_kw))
    price = 60 + rng.normal(0, 6, SLOTS)
    price[EVENT.stop :] += rng.uniform(0, 30)
    site = SiteLimits(import_limit_kw=float(rng.uniform(1000, 1400)), must_run_kw=MUST_RUN_KW)
    return Problem(tuple(made), site, START, SLOTS, tuple(price.tolist()), (100.0,) * SLOTS)


def replanned(problem: Problem, declared: Plan, *, share: float, guarded: bool) -> Plan:
    """The plan after the sale of `share` of the flexible load in the event."""
    load = declared.load_kw
    kept = [
        Commitment("sale", problem.time(slot), load[slot] - (load[slot] - MUST_RUN_KW) * share + WATT) for slot in EVENT
    ]
    held = [Commitment("guard", problem.time(slot), load[slot] + WATT) for slot in WINDOW] if guarded else []
    return solve(replace(remaining(problem, declared.allocations, slot=SOLD_AT), commitments=(*kept, *held)))


def by_job(problem: Problem, allocations: Mapping[str, Shares], *, first: int) -> Array:
    """kW of each job (row) in each half hour of the window (column); allocations count half hours from `first`."""
    found = np.zeros((len(problem.jobs), len(WINDOW)))
    for row, job in enumerate(problem.jobs):
        for slot, share in allocations.get(job.id, ()):
            if first + slot in WINDOW:
                found[row, first + slot - WINDOW.start] += share * job.power_kw
    return found


def window_of(problem: Problem, declared: Array, run: Array, rng: np.random.Generator, *, days: int) -> DeclaredWindow:
    """The window `days` before the event day: `declared` was said, `run` was run, and each job drew what it drew."""
    back = timedelta(days=days)
    starts = [problem.time(slot) - back for slot in WINDOW]
    drawn = np.maximum(1 + POWER_ERROR * rng.standard_normal(len(problem.jobs)), 0.0) @ run
    must_run = MUST_RUN_KW * (1 + MUST_RUN_ERROR * float(rng.standard_normal()))
    readings = meter(starts[0], (drawn + must_run).tolist(), int(rng.integers(2**31)))
    said = declared.sum(axis=0) + MUST_RUN_KW
    return DeclaredWindow(
        declared_wh={start: round(kw * 500) for start, kw in zip(starts, said.tolist(), strict=True)},
        metered_wh=dict(readings.readings),
        declared_at=problem.start - back,
    )
