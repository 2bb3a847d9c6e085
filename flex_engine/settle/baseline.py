"""What a site would have drawn without the event. Energy is integer Wh per settlement period; no float enters.

The method is read from the P376 Baselining Methodology Document (BL01) through secondary sources, so every number of the
rule is a parameter. This room knows readings and days; it knows no prices and no orders.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flex_engine.timegrid import HALF_HOUR, is_working_day, period_start, periods_in_day, settlement_period


class BaselineError(ValueError):
    """No baseline can be made; the message says which readings or days are missing."""


@dataclass(frozen=True, slots=True)
class LikeDayParameters:
    """The rule's numbers. Periods are half hours; days are settlement days before the event."""

    lookback_days: int = 60
    working_days: int = 10
    non_working_days: int = 4
    adjustment_periods: int = 6
    adjustment_gap_periods: int = 2
    adjust: bool = True


@dataclass(frozen=True, slots=True)
class Baseline:
    """Baseline energy in Wh by settlement period start, with all it takes to work it out again."""

    method: str
    periods: dict[datetime, int]
    unadjusted: dict[datetime, int]
    adjustment_wh: int
    days_used: tuple[date, ...]
    window: tuple[datetime, ...]
    event_days_used: tuple[date, ...] = ()

    def facts(self) -> dict[str, Any]:
        """JSON-safe facts for a statement."""
        return {
            "method": self.method,
            "days_used": [day.isoformat() for day in self.days_used],
            "event_days_used": [day.isoformat() for day in self.event_days_used],
            "adjustment_wh": self.adjustment_wh,
            "adjustment_window": [start.isoformat() for start in self.window],
            "unadjusted_wh": {start.isoformat(): wh for start, wh in self.unadjusted.items()},
        }


def like_day_mean(
    *,
    readings: Mapping[datetime, int],
    periods: Sequence[datetime],
    event_days: Collection[date] = (),
    parameters: LikeDayParameters = LikeDayParameters(),
) -> Baseline:
    """BL01-style baseline: mean of the most recent like days, plus a flat in-day adjustment.

    Like days have the event day's type (working or not), 48 periods and a reading in every one; event days only fill up
    where too few others are left, most recent first. The adjustment is the mean of metered less unadjusted over the
    periods ending `adjustment_gap_periods` before the event. Means are rounded half to even to whole Wh, once each.

    Raises BaselineError when days or adjustment readings are missing. Source: SVA Data Catalogue v52.0 (event days),
    DFS service terms and BL01 readings (10 working, 4 non-working days of 60; 6 periods ending at gate closure).
    """
    if not periods:
        raise BaselineError("The event has no settlement period.")
    starts = sorted(periods)
    day, first = settlement_period(starts[0])
    days, fallback = like_days(day, readings=readings, event_days=event_days, parameters=parameters)
    unadjusted = {start: mean_of(readings, days, settlement_period(start)[1]) for start in starts}
    window: tuple[datetime, ...] = ()
    adjustment = 0
    if parameters.adjust:
        window = adjustment_window(day, first, parameters)
        adjustment = in_day_adjustment(readings, days, window)
    return Baseline(
        method="like-day-mean-v1",
        periods={start: wh + adjustment for start, wh in unadjusted.items()},
        unadjusted=unadjusted,
        adjustment_wh=adjustment,
        days_used=days,
        window=window,
        event_days_used=fallback,
    )


def like_days(
    day: date, *, readings: Mapping[datetime, int], event_days: Collection[date], parameters: LikeDayParameters
) -> tuple[tuple[date, ...], tuple[date, ...]]:
    """(days used, event days among them): the most recent like days first, then event days where too few are left."""
    working = is_working_day(day)
    wanted = parameters.working_days if working else parameters.non_working_days
    alike = [
        candidate
        for candidate in (day - timedelta(days=back) for back in range(1, parameters.lookback_days + 1))
        if is_working_day(candidate) == working and periods_in_day(candidate) == 48 and is_complete(candidate, readings)
    ]
    clean = [candidate for candidate in alike if candidate not in event_days][:wanted]
    fallback = [candidate for candidate in alike if candidate in event_days][: wanted - len(clean)]
    if len(clean) + len(fallback) < wanted:
        kind = "working" if working else "non-working"
        raise BaselineError(
            f"The baseline for {day} needs {wanted} {kind} days with all 48 readings among the {parameters.lookback_days} "
            f"before it; {len(clean) + len(fallback)} were found. First gap: {first_gap(day, readings, parameters)}."
        )
    return (*clean, *fallback), tuple(fallback)


def is_complete(day: date, readings: Mapping[datetime, int]) -> bool:
    """Whether every settlement period of `day` has a reading."""
    start = period_start(day, 1)
    return all(start + i * HALF_HOUR in readings for i in range(periods_in_day(day)))


def first_gap(day: date, readings: Mapping[datetime, int], parameters: LikeDayParameters) -> str:
    """The most recent settlement period before `day` without a reading, in words."""
    for back in range(1, parameters.lookback_days + 1):
        candidate = day - timedelta(days=back)
        for period in range(1, periods_in_day(candidate) + 1):
            if period_start(candidate, period) not in readings:
                return f"{candidate} settlement period {period}"
    return "none"


def mean_of(readings: Mapping[datetime, int], days: Sequence[date], period: int) -> int:
    """Mean reading of `period` over `days`, half-even. A 46-period day lends its last period to later numbers."""
    values = [readings[period_start(day, min(period, periods_in_day(day)))] for day in days]
    return divide(sum(values), len(values))


def adjustment_window(day: date, first: int, parameters: LikeDayParameters) -> tuple[datetime, ...]:
    """Starts of the adjustment periods, which end `adjustment_gap_periods` before the event's first period."""
    end = period_start(day, first) - parameters.adjustment_gap_periods * HALF_HOUR
    return tuple(end - back * HALF_HOUR for back in range(parameters.adjustment_periods, 0, -1))


def in_day_adjustment(readings: Mapping[datetime, int], days: Sequence[date], window: Sequence[datetime]) -> int:
    """Mean of metered less unadjusted over the window, in Wh, half-even. Raises BaselineError naming missing periods."""
    missing = [start for start in window if start not in readings]
    if missing:
        named = ", ".join(f"{start:%Y-%m-%dT%H:%M}Z" for start in missing)
        raise BaselineError(f"The in-day adjustment needs readings for {named}.")
    # Numerator over len(days), so that the means' own rounding never enters the adjustment.
    count = len(days)
    over = sum(
        readings[start] * count - sum(readings[period_start(day, settlement_period(start)[1])] for day in days)
        for start in window
    )
    return divide(over, count * len(window))


def divide(total: int, count: int) -> int:
    """total / count to the nearest integer, half to even, without floats.

    >>> divide(5, 2), divide(7, 2), divide(-5, 2)
    (2, 4, -2)
    """
    quotient, rest = divmod(total, count)
    if 2 * rest > count or (2 * rest == count and quotient % 2):
        quotient += 1
    return quotient


METHODS: dict[str, Callable[..., Baseline]] = {"like-day-mean-v1": like_day_mean}
