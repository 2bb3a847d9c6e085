"""Proof that a turn-down or turn-up can be delivered, whichever half hours of its window are called and however much of each.

The offer: in each half hour of [first, last) the buyer may call any power up to `quantity_kw`; the site then draws at most
the plan's load (`declared_kw`) less the power called, or for a turn-up at least that load and the power called. The buyer
names the half hours and powers in one instruction.

Why solving a few schedules proves every dispatch. A dispatch first felt in half hour f leaves the plan in force until f
and puts limits declared - called on some half hours of [f, last). The schedule solved here for f draws at most
declared - quantity in ALL half hours of [f, last). As called <= quantity, it is under every limit of every such dispatch.
So one schedule for each f covers every subset at full or partial power, and the worst is f's full dispatch, solved below.
A turn-up is the mirror: the schedule draws at least declared + quantity in all of [f, last), pulled from other half hours
within every job's own window and under the site's limits.
Each schedule is joined to the plan before f and judged by optimise.checker, which shares no code with the solver's side.

What else the site has promised (`beside`) is in every schedule from its own f on, and for each half hour of it before the
window there is a schedule too. So whichever promise is called first, the schedule then followed keeps all the others
deliverable: it delivers them. A second instruction while the first is being delivered is covered in the same way.

Not proved: jobs that arrive or overrun later, and power that differs from the estimate. The margin an offer keeps back is
for those; the caller says how large it is.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from flex_engine.flexibility.tail import UnsolvedError, tail_of
from flex_engine.optimise.checker import Checkable, check, tolerance_kw
from flex_engine.optimise.classes import Shares
from flex_engine.optimise.problem import Commitment, Problem
from flex_engine.optimise.solve import finished
from flex_engine.settle.delivery import Direction

THIS_OFFER = "this offer"
BOUNDS = {"REDUCE": "site_max_kw", "INCREASE": "site_min_kw"}
MOVED = {"REDUCE": "turned down", "INCREASE": "turned up"}
WATT = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Certificate:
    """The largest constant power proved, and how. `holds` is True only when every schedule passed the checker.

    `schedules` has one whole schedule for each half hour a dispatch may begin in; they are not part of to_dict. `margin` and
    `reference_kw` are what an offer drawn from it kept back and measures from; nothing here depends on them.
    """

    holds: bool
    quantity_kw: Decimal
    first: int
    last: int
    declared_kw: tuple[float, ...]
    limits_by_start: tuple[float, ...]
    solver: str
    solve_s: float
    reasons: tuple[str, ...]
    schedules: tuple[dict[str, Shares], ...] = ()
    margin: Decimal = Decimal(0)
    reference_kw: tuple[Decimal, ...] = ()
    direction: Direction = "REDUCE"

    @property
    def site_bound_kw(self) -> tuple[float, ...]:
        """The most (of a turn-up the least) the site draws in each half hour when all of it is dispatched at full power."""
        way = 1 if self.direction == "REDUCE" else -1
        return tuple(round(kw - way * float(self.quantity_kw), 4) for kw in self.declared_kw)

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe facts for the offer's row and page."""
        return {
            "holds": self.holds,
            "quantity_kw": str(self.quantity_kw),
            "margin": f"{self.margin:%}" if self.margin else "none",
            "solver": self.solver,
            "solve_s": round(self.solve_s, 3),
            "direction": self.direction,
            BOUNDS[self.direction]: list(self.site_bound_kw),
            "reasons": list(self.reasons),
            "reference_kw": [str(kw) for kw in self.reference_kw],
            "schedules_checked": len(self.schedules),
            "most_kw_by_first_half_hour": [round(kw, 3) for kw in self.limits_by_start],
        }


def certify(
    problem: Problem,
    plan: Checkable,
    *,
    first: int,
    last: int,
    direction: Direction = "REDUCE",
    beside: Sequence[Commitment] = (),
    reference_kw: Sequence[float] | None = None,
) -> Certificate:
    """The largest constant turn-down under `plan`, or turn-up over it, in half hours [first, last), with its proof.

    `beside` is what else is promised and may be called: whichever of it is called first, what is left of it and the whole
    offer can still be delivered. `reference_kw` is what the power is measured from, by half hour of the window, where that
    is not the plan's load. Jobs of the problem that the plan does not hold are left out: they are nobody's promise. Raises
    ValueError for a window outside the plan.
    """
    if not 0 <= first < last <= problem.slots:
        raise ValueError(f"half hours {first} to {last} do not lie within the plan's {problem.slots}")
    begun = time.perf_counter()
    problem = replace(problem, jobs=tuple(job for job in problem.jobs if job.id in plan.allocations))
    declared = tuple(plan.load_kw[first:last] if reference_kw is None else reference_kw)
    counted = (*plan.load_kw[:first], *declared, *plan.load_kw[last:])
    begun_at = sorted(
        {slot for slot in map(problem.slot_of, starts_of(beside)) if 0 <= slot < first} | {*range(first, last)}
    )
    bound = {slot: ahead(problem, beside, slot) for slot in begun_at}
    try:
        solved = [
            tail_of(bound[slot], plan, slot).most(max(0, first - slot), last - slot, counted[slot:], direction)
            for slot in begun_at
        ]
    except UnsolvedError as problem_met:
        took = time.perf_counter() - begun
        why = (f"No proof: {problem_met}.",)
        return Certificate(
            False, Decimal(0), first, last, declared, (), "HiGHS by cvxpy", took, why, direction=direction
        )
    reached = tuple(kw for kw, _ in solved)
    quantity = Decimal(repr(max(0.0, min(reached) - tolerance_kw(problem)))).quantize(WATT, ROUND_FLOOR)
    schedules = tuple(schedule for _, schedule in solved)
    faults = undeclared(problem, plan)
    for begins, schedule in zip(begun_at, schedules, strict=True):
        asked = called(problem, counted, range(max(begins, first), last), quantity, direction)
        faults += prove(bound[begins], plan, schedule, begins=begins, asked=asked)
    if quantity <= 0:
        faults.append(f"nothing can be {MOVED[direction]} in every half hour of the window with every deadline kept")
    return Certificate(
        holds=not faults,
        quantity_kw=quantity,
        first=first,
        last=last,
        declared_kw=declared,
        limits_by_start=reached,
        solver="HiGHS by cvxpy, linear programme, one a half hour a dispatch can begin in",
        solve_s=time.perf_counter() - begun,
        reasons=tuple(faults[:5]) or said(problem, quantity, len(schedules), direction),
        schedules=schedules,
        direction=direction,
    )


def starts_of(promised: Iterable[Commitment]) -> list[datetime]:
    """The half hours of some promises."""
    return [promise.start for promise in promised]


def ahead(problem: Problem, promised: Iterable[Commitment], slot: int) -> Problem:
    """The problem with everything promised from half hour `slot` on as if it were called."""
    later = (promise for promise in promised if problem.slot_of(promise.start) >= slot)
    return replace(problem, commitments=(*problem.commitments, *later))


def called(
    problem: Problem, counted: Sequence[float], slots: Iterable[int], quantity: Decimal, direction: Direction
) -> tuple[Commitment, ...]:
    """What a full dispatch of `slots` asks of the site, measured from `counted`."""
    kw = float(quantity)
    if direction == "REDUCE":
        return tuple(Commitment(THIS_OFFER, problem.time(one), site_max_kw=counted[one] - kw) for one in slots)
    return tuple(Commitment(THIS_OFFER, problem.time(one), site_min_kw=counted[one] + kw) for one in slots)


def prove(
    problem: Problem, plan: Checkable, schedule: dict[str, Shares], *, begins: int, asked: tuple[Commitment, ...]
) -> list[str]:
    """Faults the independent checker finds in `schedule` as the answer to a dispatch from half hour `begins` on."""
    judged = finished(problem, schedule, gap=0.0, solver="certificate")
    faults = check(replace(problem, commitments=(*problem.commitments, *asked)), judged)
    planned = plan.load_kw[:begins]
    if any(abs(a - b) > tolerance_kw(problem) for a, b in zip(judged.load_kw, planned, strict=False)):
        faults.append(f"the schedule for a dispatch from half hour {begins} departs from the plan before it")
    return faults


def undeclared(problem: Problem, plan: Checkable) -> list[str]:
    """Nothing may be sold that the plan would not have drawn: its declared load must be that of its own schedule."""
    drawn = finished(problem, dict(plan.allocations), gap=0.0, solver="certificate").load_kw
    over = [
        slot for slot, (a, b) in enumerate(zip(plan.load_kw, drawn, strict=True)) if abs(a - b) > tolerance_kw(problem)
    ]
    return (
        [f"the plan declares {plan.load_kw[over[0]]:.3f} kW in half hour {over[0]} and draws {drawn[over[0]]:.3f} kW"]
        if over
        else []
    )


def said(problem: Problem, quantity: Decimal, schedules: int, direction: Direction) -> tuple[str, ...]:
    """What was proved, in words."""
    rigid = sum(not job.preemptible for job in problem.jobs)
    words = [
        f"{schedules} schedules, one for each half hour a dispatch can begin in, keep every deadline of {len(problem.jobs)} "
        f"jobs with {quantity.normalize():f} kW {'less' if direction == 'REDUCE' else 'more'} than planned in every half hour "
        "from there on.",
        "Any dispatch of fewer half hours or less power leaves looser limits, so the same schedules cover it.",
    ]
    if rigid:
        words.append(f"{rigid} jobs that may not be interrupted stay where the plan has them.")
    return tuple(words)
