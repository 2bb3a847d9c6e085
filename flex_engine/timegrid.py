"""The half-hour grid in UTC and the GB days on it: settlement days of 46, 48 or 50 periods, EFA blocks, working days.

This room knows times only: no prices, no jobs, no clock. Intervals are [start, end); naive times are refused.
Source of the numbering: BSC Section X-1, Settlement Period and Settlement Day. Bank holidays come from `holidays`, which
follows each proclamation; a test holds those of 2016 to 2030 fast, so that an update cannot move an old baseline unseen.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

HALF_HOUR = timedelta(minutes=30)
LONDON = ZoneInfo("Europe/London")

Nation = Literal["ENGLAND_AND_WALES", "SCOTLAND"]
SUBDIVISIONS: dict[Nation, str] = {"ENGLAND_AND_WALES": "ENG", "SCOTLAND": "SCT"}


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


@lru_cache(maxsize=4096)  # settling a year asks for the same few hundred midnights a million times
def day_start(day: date) -> datetime:
    """UTC instant of local midnight in London."""
    return datetime(day.year, day.month, day.day, tzinfo=LONDON).astimezone(UTC)


def efa_block(start: datetime) -> tuple[date, int]:
    """(EFA date, block 1 to 6) of the half hour starting at `start`. The EFA day runs 23:00 to 23:00 in London.

    Blocks are four hours by the clock; the one over a clock change (block 1) lasts three hours or five.
    Source: GB response and reserve products; the hours are general market knowledge.

    >>> efa_block(datetime(2026, 1, 15, 23, 0, tzinfo=UTC)), efa_block(datetime(2026, 1, 15, 15, 0, tzinfo=UTC))
    ((datetime.date(2026, 1, 16), 1), (datetime.date(2026, 1, 15), 5))
    """
    local = floor_half_hour(start).astimezone(LONDON)
    day = local.date() + timedelta(days=1) if local.hour == 23 else local.date()
    return day, (local.hour + 1) % 24 // 4 + 1


def is_working_day(day: date, nation: Nation = "ENGLAND_AND_WALES") -> bool:
    """Monday to Friday and no bank holiday of `nation`. Settlement counts those of England and Wales."""
    return day.weekday() < 5 and day not in bank_holidays(day.year, nation)


def working_day_after(day: date, count: int) -> date:
    """The `count`th working day after `day`, in England and Wales; for 0 `day` itself, or the next one that works.

    >>> working_day_after(date(2025, 12, 24), 1)
    datetime.date(2025, 12, 29)
    """
    if count < 0:
        raise ValueError(f"count is {count}; count forwards, from 0")
    while not (count == 0 and is_working_day(day)):
        day += timedelta(days=1)
        count -= is_working_day(day) and count > 0
    return day


@cache
def bank_holidays(year: int, nation: Nation = "ENGLAND_AND_WALES") -> frozenset[date]:
    """Bank holidays of `nation` in `year`, with the days observed in their place."""
    import holidays  # a third of a second that most processes never need

    return frozenset(holidays.country_holidays("GB", subdiv=SUBDIVISIONS[nation], years=year))


def utc(t: datetime) -> datetime:
    """`t` in UTC. Raises ValueError for a naive time: its zone cannot be guessed."""
    if t.tzinfo is None:
        raise ValueError(f"{t.isoformat()} has no time zone")
    return t.astimezone(UTC)
