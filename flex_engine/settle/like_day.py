"""Baselines from like days: the plain mean of the most recent ones (BL01-style), and of the highest among them.

The plain mean is read from the P376 Baselining Methodology Document (BL01) through secondary sources, so every number of
the rule is a parameter. The mean of the highest days is biased upwards by its making and is offered only with that said.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flex_engine.quantities import divide
from flex_engine.settle.baseline import Baseline, BaselineError, event_of, readings_for
from flex_engine.timegrid import HALF_HOUR, is_working_day, period_start, periods_in_day, settlement_period


@dataclass(frozen=True, slots=True)
class LikeDayParameters:
    """The rule's numbers. Periods are half hours; days are settlement days before the event.

    `highest` keeps only that many of the days, those with the most energy over the event's periods; None keeps all.
    """

    lookback_days: int = 60
    working_days: int = 10
    non_working_days: int = 4
    adjustment_periods: int = 6
    adjustment_gap_periods: int = 2
    adjust: bool = True
    highest: int | None = None


def like_day_mean(
    *,
    readings: Mapping[datetime, int],
    periods: Sequence[datetime],
    event_days: Collection[date] = (),
    parameters: LikeDayParameters = LikeDayParameters(),
    method: str = "like-day-mean-v1",
) -> Baseline:
    """Mean of the most recent like days, plus a flat in-day adjustment; BL01-style with the default parameters.

    Like days have the event day's type (working or not), 48 periods and a reading in every one; event days only fill up
    where too few others are left, most recent first. The adjustment is the mean of metered less unadjusted over the
    periods ending `adjustment_gap_periods` before the event. Means are rounded half to even to whole Wh, once each.

    Raises BaselineError when days or adjustment readings are missing. Source: SVA Data Catalogue v52.0 (event days),
    DFS service terms and BL01 readings (10 working, 4 non-working days of 60; 6 periods ending at gate closure).
    """
    starts, day, first = event_of(periods)
    days, fallback = like_days(day, readings=readings, event_days=event_days, parameters=parameters)
    if parameters.highest is not None:
        days = highest_days(readings, days, starts, parameters.highest)
        fallback = tuple(day for day in fallback if day in days)
    unadjusted = {start: mean_of(readings, days, settlement_period(start)[1]) for start in starts}
    window: tuple[datetime, ...] = ()
    adjustment = 0
    if parameters.adjust:
        window = adjustment_window(day, first, parameters)
        adjustment = in_day_adjustment(readings, days, window)
    return Baseline(
        method=method,
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
    wanted = parameters.working_days if is_working_day(day) else parameters.non_working_days
    alike = candidates(day, readings=readings, lookback_days=parameters.lookback_days)
    clean = [candidate for candidate in alike if candidate not in event_days][:wanted]
    fallback = [candidate for candidate in alike if candidate in event_days][: wanted - len(clean)]
    if len(clean) + len(fallback) < wanted:
        kind = "working" if is_working_day(day) else "non-working"
        raise BaselineError(
            f"The baseline for {day} needs {wanted} {kind} days with all 48 readings among the {parameters.lookback_days} "
            f"before it; {len(clean) + len(fallback)} were found. First gap: {first_gap(day, readings, parameters)}."
        )
    return (*clean, *fallback), tuple(fallback)


def candidates(day: date, *, readings: Mapping[datetime, int], lookback_days: int) -> list[date]:
    """Days before `day` of its type, with 48 periods and a reading in each, most recent first."""
    working = is_working_day(day)
    before = (day - timedelta(days=back) for back in range(1, lookback_days + 1))
    return [
        one
        for one in before
        if is_working_day(one) == working and periods_in_day(one) == 48 and is_complete(one, readings)
    ]


def clean_days_left(
    day: date,
    *,
    readings: Mapping[datetime, int],
    event_days: Collection[date],
    parameters: LikeDayParameters = LikeDayParameters(),
) -> int:
    """How many more like days before `day` may become event days before its baseline falls back on one; negative: it does."""
    wanted = parameters.working_days if is_working_day(day) else parameters.non_working_days
    alike = candidates(day, readings=readings, lookback_days=parameters.lookback_days)
    return sum(one not in event_days for one in alike) - wanted


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


def highest_days(
    readings: Mapping[datetime, int], days: Sequence[date], starts: Sequence[datetime], count: int
) -> tuple[date, ...]:
    """The `count` days with the most energy over the event's periods, most first; the more recent of two equal ones."""

    def energy(day: date) -> int:
        return sum(reading_of(readings, day, settlement_period(start)[1]) for start in starts)

    return tuple(sorted(days, key=energy, reverse=True)[:count])


def mean_of(readings: Mapping[datetime, int], days: Sequence[date], period: int) -> int:
    """Mean reading of `period` over `days`, half-even."""
    return divide(sum(reading_of(readings, day, period) for day in days), len(days))


def reading_of(readings: Mapping[datetime, int], day: date, period: int) -> int:
    """The reading of `period` on `day`; a day lends its last period to later numbers, which only an event day of 50 has."""
    return readings[period_start(day, min(period, periods_in_day(day)))]


def adjustment_window(day: date, first: int, parameters: LikeDayParameters) -> tuple[datetime, ...]:
    """Starts of the adjustment periods, which end `adjustment_gap_periods` before the event's first period."""
    end = period_start(day, first) - parameters.adjustment_gap_periods * HALF_HOUR
    return tuple(end - back * HALF_HOUR for back in range(parameters.adjustment_periods, 0, -1))


def in_day_adjustment(readings: Mapping[datetime, int], days: Sequence[date], window: Sequence[datetime]) -> int:
    """Mean of metered less unadjusted over the window, in Wh, half-even. Raises BaselineError naming missing periods."""
    metered = readings_for(readings, window, "The in-day adjustment")
    # Numerator over len(days), so that the means' own rounding never enters the adjustment.
    count = len(days)
    over = sum(
        wh * count - sum(reading_of(readings, day, settlement_period(start)[1]) for day in days)
        for start, wh in zip(window, metered, strict=True)
    )
    return divide(over, count * len(window))
