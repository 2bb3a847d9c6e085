"""What a turn-down is measured from: the plan's load, or the meter baseline it will be settled against where that is lower.

Settlement credits baseline less meter, not plan less meter. So the part of a planned load that lies above the baseline is
load that nobody will pay to see go: the site turns it down first, and sells only what comes after. A turn-up is the mirror:
it is measured from the higher of the two, and what the plan draws under the baseline is raised first, unpaid. The baseline is the one
the offer will be settled by, worked out ahead with the plan's load in place of readings that are not taken yet, an in-day
adjustment included. It knows no solver.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from flex_engine.optimise.checker import Checkable
from flex_engine.optimise.problem import Problem
from flex_engine.quantities import wh_from_kw
from flex_engine.settle.baseline import Baseline, BaselineError
from flex_engine.settle.declared import Nomination
from flex_engine.settle.delivery import Direction
from flex_engine.settle.registry import work_out

WATTS = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Meter:
    """Readings of the site in Wh by half hour, settlement days with dispatches, and the method it will be settled by."""

    readings: Mapping[datetime, int]
    event_days: Collection[date] = ()
    method: str = "like-day-mean-v1"
    nomination: Nomination | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """kW by half hour of a window. `expected_kw` is None with `why` where no baseline can be worked out.

    `unpaid_kw` is the most that lies between plan and reference in any of them: it has to be moved and earns nothing.
    """

    kw: tuple[Decimal, ...]
    expected_kw: tuple[Decimal, ...] | None
    unpaid_kw: Decimal
    why: str


def reference_of(
    problem: Problem,
    plan: Checkable,
    meter: Meter | None,
    *,
    first: int,
    last: int,
    direction: Direction = "REDUCE",
) -> Reference:
    """The reference of half hours [first, last): a baseline beyond what the connection carries is cut to that, as settlement does."""
    planned = tuple(kw_of(plan.load_kw[slot]) for slot in range(first, last))
    if meter is None:
        return Reference(planned, None, Decimal(0), "no meter readings were given")
    around = enumerate(plan.load_kw)
    ahead = {problem.time(slot): wh_from_kw(Decimal(repr(kw))) for slot, kw in around if not first <= slot < last}
    try:
        baseline = work_out(
            meter.method,
            readings=ahead | dict(meter.readings),
            periods=[problem.time(slot) for slot in range(first, last)],
            event_days=meter.event_days,
            nomination=meter.nomination,
        )
    except BaselineError as missing:
        return Reference(planned, None, Decimal(0), str(missing))
    expected = tuple(Decimal(wh) / 500 for _, wh in sorted(baseline.periods.items()))
    limit = kw_of(problem.site.import_limit_kw)
    pairs = [(load, min(max(Decimal(0), other), limit)) for load, other in zip(planned, expected, strict=True)]
    kw = tuple(min(pair) if direction == "REDUCE" else max(pair) for pair in pairs)
    unpaid = max(abs(load - counted) for load, counted in zip(planned, kw, strict=True))
    return Reference(kw, expected, unpaid, in_words(baseline))


def in_words(baseline: Baseline) -> str:
    """Where an expected baseline comes from."""
    if not baseline.days_used:
        return baseline.method
    days = f"{len(baseline.days_used)} like days"
    return f"{days} and an in-day adjustment of {baseline.adjustment_wh / 500:+.1f} kW" if baseline.window else days


def kw_of(load: float) -> Decimal:
    """A load to the watt."""
    return Decimal(repr(float(load))).quantize(WATTS)
