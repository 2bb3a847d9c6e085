"""The half-hour grid in UTC and the GB settlement day: 46, 48 or 50 settlement periods, counted in Europe/London.

This room knows times only: no prices, no jobs, no clock. Intervals are [start, end); naive times are refused.
Source of the numbering: BSC Section X-1, Settlement Period and Settlement Day.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

HALF_HOUR = timedelta(minutes=30)
LONDON = ZoneInfo("Europe/London")


def floor_half_hour(t: datetime) -> datetime:
    """The start, in UTC, of the half hour that holds `t`. Raises ValueError for a naive time."""
    t = utc(t)
    return t.replace(minute=t.minute - t.minute % 30, second=0, microsecond=0)


def ceil_half_hour(t: datetime) -> datetime:
    """`t` itself when it starts a half hour, otherwise the start of the next one."""
    start = floor_half_hour(t)
    return start if start == t else start + HALF_HOUR


def half_hours(start: datetime, end: datetime) -> list[datetime]:
    """Starts of the half hours in [start, end). Raises ValueError when either bound is naive or off the grid."""
    for name, bound in (("start", start), ("end", end)):
        if floor_half_hour(bound) != bound:
            raise ValueError(f"{name} {bound.isoformat()} is not on the half hour")
    start, end = utc(start), utc(end)
    return [start + i * HALF_HOUR for i in range(max(0, int((end - start) / HALF_HOUR)))]


def settlement_period(start: datetime) -> tuple[date, int]:
    """(settlement date, settlement period 1..46/48/50) of the half hour starting at `start`.

    >>> settlement_period(datetime(2026, 1, 15, 17, 0, tzinfo=UTC))
    (datetime.date(2026, 1, 15), 35)
    """
    if floor_half_hour(start) != start:
        raise ValueError(f"{start.isoformat()} is not on the half hour")
    day = start.astimezone(LONDON).date()
    return day, int((utc(start) - day_start(day)) / HALF_HOUR) + 1


def period_start(day: date, period: int) -> datetime:
    """UTC start of a settlement period. Raises ValueError for a period the day does not have."""
    last = periods_in_day(day)
    if not 1 <= period <= last:
        raise ValueError(f"settlement day {day} has periods 1 to {last}, not {period}")
    return day_start(day) + (period - 1) * HALF_HOUR


def periods_in_day(day: date) -> int:
    """46 on the spring clock change, 50 on the autumn one, otherwise 48."""
    return int((day_start(day + timedelta(days=1)) - day_start(day)) / HALF_HOUR)


def day_start(day: date) -> datetime:
    """UTC instant of local midnight in London."""
    return datetime(day.year, day.month, day.day, tzinfo=LONDON).astimezone(UTC)


def is_working_day(day: date) -> bool:
    """Monday to Friday and no bank holiday in England and Wales."""
    return day.weekday() < 5 and day not in bank_holidays(day.year)


@cache
def bank_holidays(year: int) -> frozenset[date]:
    """Bank holidays of England and Wales in `year`."""
    import holidays  # a third of a second that most processes never need

    return frozenset(holidays.country_holidays("GB", subdiv="ENG", years=year))


def utc(t: datetime) -> datetime:
    """`t` in UTC. Raises ValueError for a naive time: its zone cannot be guessed."""
    if t.tzinfo is None:
        raise ValueError(f"{t.isoformat()} has no time zone")
    return t.astimezone(UTC)
