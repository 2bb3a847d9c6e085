"""Re-check a plan from the raw problem, in plain numpy, sharing no code with the solver's side.

An empty list is the certificate. It knows nothing of how the plan was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Protocol

import numpy as np

from flex_engine.optimise.problem import Problem

WORK_TOLERANCE_S = 0.01
POWER_TOLERANCE_KW = 1e-3  # a watt, and for large sites a millionth of their limit: what a solver's rounding amounts to
HALF = timedelta(minutes=30)


class Checkable(Protocol):
    """What a plan must show to be checked."""

    @property
    def load_kw(self) -> tuple[float, ...]:
        """Site power per half hour."""

    @property
    def allocations(self) -> dict[str, tuple[tuple[int, float], ...]]:
        """(half hour, share) pairs by job."""

    @property
    def cost_gbp(self) -> float:
        """Energy cost claimed."""

    @property
    def carbon_kg(self) -> float:
        """Emissions claimed."""


def check(problem: Problem, plan: Checkable) -> list[str]:
    """Every fault found, in words; empty when the plan keeps each promise."""
    faults = []
    load = np.full(problem.slots, float(problem.site.must_run_kw))
    known = {job.id: job for job in problem.jobs}
    faults += [f"job {job} is not in the problem" for job in plan.allocations if job not in known]
    for job in problem.jobs:
        shares = plan.allocations.get(job.id, ())
        ran = sum(share for _, share in shares) * 1800
        if abs(ran - job.duration_s) > WORK_TOLERANCE_S:
            faults.append(f"job {job.id} runs {ran:.2f} s of {job.duration_s} s")
        arrives, due = (job.arrival - problem.start) / HALF, (job.deadline - problem.start) / HALF
        slots = [slot for slot, _ in shares]
        if len(set(slots)) != len(slots):
            faults.append(f"job {job.id} has two shares in one half hour")
        for slot, share in shares:
            if not 0 <= slot < problem.slots:
                faults.append(f"job {job.id} runs outside the plan, in half hour {slot}")
                continue
            usable = min(due, slot + 1) - max(arrives, slot)
            if share < 0 or share > max(0.0, usable) + 1e-6:
                faults.append(
                    f"job {job.id} runs {share:.4f} of half hour {slot}, where {max(0.0, usable):.4f} lies inside its window"
                )
            load[slot] += job.power_kw * share
        if not job.preemptible and slots and not is_unbroken(shares):
            faults.append(f"job {job.id} may not be interrupted, and is")
    return faults + check_load(problem, plan, load)


def is_unbroken(shares: Sequence[tuple[int, float]]) -> bool:
    """Whether the shares are consecutive half hours with full ones inside."""
    ordered = sorted(shares)
    consecutive = all(b[0] - a[0] == 1 for a, b in pairwise(ordered))
    return consecutive and all(share > 1 - 1e-6 for _, share in ordered[1:-1])


def check_load(problem: Problem, plan: Checkable, load: np.ndarray) -> list[str]:
    """Limits, commitments, and the load, cost and carbon the plan claims."""
    faults = []
    allowed = tolerance_kw(problem)
    for slot in np.flatnonzero(load > problem.site.import_limit_kw + allowed).tolist():
        faults.append(
            f"half hour {slot} draws {load[slot]:.3f} kW over the limit of {problem.site.import_limit_kw:g} kW"
        )
    for promise in problem.commitments:
        slot = int((promise.start - problem.start) / HALF)
        if not 0 <= slot < problem.slots:
            continue
        if load[slot] > promise.site_max_kw + allowed:
            faults.append(
                f"half hour {slot} draws {load[slot]:.3f} kW; order {promise.order} allows {promise.site_max_kw:.3f} kW"
            )
        if load[slot] < promise.site_min_kw - allowed:
            faults.append(
                f"half hour {slot} draws {load[slot]:.3f} kW; order {promise.order} asks for {promise.site_min_kw:.3f} kW"
            )
    if len(plan.load_kw) != problem.slots or np.abs(load - np.asarray(plan.load_kw)).max() > allowed:
        faults.append("the load claimed is not that of the allocations")
    cost, carbon = totals(problem, load.tolist())
    for name, claimed, found in (("cost", plan.cost_gbp, cost), ("carbon", plan.carbon_kg, carbon)):
        if abs(claimed - found) > 1e-6 * max(1.0, abs(found)):
            faults.append(f"the {name} claimed is {claimed:.6f}; recomputed it is {found:.6f}")
    return faults


def tolerance_kw(problem: Problem) -> float:
    """kW over a limit that count as rounding."""
    return max(POWER_TOLERANCE_KW, 1e-6 * problem.site.import_limit_kw)


def totals(problem: Problem, load_kw: Sequence[float]) -> tuple[float, float]:
    """(energy cost in GBP, emissions in kg) of a load, from the raw signals."""
    energy_kwh = np.asarray(load_kw) * 0.5
    return (
        float(energy_kwh @ np.asarray(problem.price_gbp_per_mwh)) / 1000,
        float(energy_kwh @ np.asarray(problem.carbon_g_per_kwh)) / 1000,
    )
