"""One value of a reading: a time or a settlement period as a minute since 1970, and energy in millionths of a Wh.

A time without a zone is read only where somebody said which one it is; London's own time only where it is one moment.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Any, Final

from flex_engine.settle.metering import HALF_HOUR_MIN, MICRO, MINUTES, QUALITIES, MeteringValueError
from flex_engine.timegrid import LONDON, period_start, periods_in_day

WH_OF: Final = {"wh": 1, "kwh": 1000, "mwh": 1_000_000}
# What people write where an energy unit belongs: power, and energy that is not active.
NOT_ENERGY: Final = ("w", "kw", "mw", "va", "kva", "mva", "vah", "kvah", "kvarh", "varh")
NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?", re.ASCII)
DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
WRITE: Final = "Write it like 2026-01-15T17:00Z or 2026-07-15T17:00+01:00."
WORDS: Final = {"A": "ACTUAL", "E": "ESTIMATED", "S": "SUSPECT", "": "ACTUAL"}
EARLIEST: Final = 2000


def read_minute(column: str, value: Any, zone: str) -> int:
    """Minutes since 1970 of a time in `zone` (UTC, OFFSET or LONDON). Raises MeteringValueError."""
    if isinstance(value, datetime):
        found = value
    else:
        try:
            found = datetime.fromisoformat(str(value).strip())
        except ValueError:
            raise MeteringValueError(column, value, "this is not a time", WRITE) from None
    if found.second or found.microsecond:
        raise MeteringValueError(column, value, "periods begin on a whole minute", "Leave the seconds out.")
    if found.year < EARLIEST:
        raise MeteringValueError(column, value, f"the year is before {EARLIEST}", "Check the year.")
    aware = found if found.tzinfo is not None and zone != "LONDON" else in_zone(column, value, found, zone)
    if zone == "UTC" and aware.utcoffset() != UTC.utcoffset(None):
        raise MeteringValueError(
            column, value, "the header or form says UTC, and this has another offset", "Write it in UTC."
        )
    return int(aware.timestamp()) // 60


def in_zone(column: str, value: Any, found: datetime, zone: str) -> datetime:
    """`found` in the zone that was said. Raises MeteringValueError where it names no moment, or two."""
    if zone == "UTC":
        return found.replace(tzinfo=UTC)
    if zone == "OFFSET":
        fix = "Write Z for UTC or +01:00 for British Summer Time after it, or say which zone the times are in."
        raise MeteringValueError(column, value, "this time has no zone", fix)
    local = found.replace(tzinfo=LONDON)
    first, second = local.utcoffset(), local.replace(fold=1).utcoffset()
    if found.tzinfo is not None:
        if found.utcoffset() not in {first, second}:
            fix = "Write London's own time, or say that each time carries its offset."
            raise MeteringValueError(column, value, "London's clocks do not have this offset then", fix)
        return found
    if first is None or second is None or first == second:
        return local
    if first > second:
        fix = f"Write {found:%H:%M}+01:00 for the first time or {found:%H:%M}Z for the second, with the date, or send settlement periods."
        raise MeteringValueError(column, value, "London's clocks show this time twice on that day", fix)
    fix = "The clocks go from 01:00 to 02:00 on that day: write the time in UTC, or send settlement periods."
    raise MeteringValueError(column, value, "London's clocks do not show this time on that day", fix)


def read_day(column: str, value: Any) -> date:
    """A settlement date. Raises MeteringValueError."""
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else written_day(column, str(value).strip())


@lru_cache(maxsize=4096)  # a file says the same few days over and over
def written_day(column: str, text: str) -> date:
    """A settlement date as text. Raises MeteringValueError."""
    try:
        if not DAY.fullmatch(text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise MeteringValueError(column, text, "this is not a date", "Write it like 2026-01-15.") from None


def read_period(column: str, value: Any, day: date) -> int:
    """The minute a settlement period begins, in minutes since 1970. Raises MeteringValueError."""
    text = str(value).strip()
    last = periods_in_day(day)
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= last):
        why = {46: ", because the clocks go forward", 50: ", because the clocks go back"}.get(last, "")
        raise MeteringValueError(
            column, value, f"{day} has the settlement periods 1 to {last}{why}", "Check date and period."
        )
    return int(period_start(day, int(text)).timestamp()) // 60


def read_energy(column: str, value: Any, unit: str) -> int:
    """Energy in whole millionths of a Wh, to which it is rounded half to even. Raises MeteringValueError."""
    text = str(value).strip()
    if not NUMBER.fullmatch(text):
        fix = "Write digits with a point and without separators, such as 412.5; leave the cell empty if there is none."
        raise MeteringValueError(column, value, "this is not a plain number", fix)
    return int((Decimal(text) * (WH_OF[unit] * MICRO)).to_integral_value(ROUND_HALF_EVEN))


def read_unit(column: str, value: Any) -> str:
    """wh, kwh or mwh. Raises MeteringValueError, for power with a hint of its own."""
    text = str(value).strip().lower()
    if text in WH_OF:
        return text
    if text in NOT_ENERGY:
        raise MeteringValueError(
            column, value, "this is not a unit of active energy", "Send energy in Wh, kWh or MWh: kW times hours."
        )
    raise MeteringValueError(column, value, "the unit must be said", "Write Wh, kWh or MWh.")


def read_direction(column: str, value: Any) -> str:
    """IMPORT or EXPORT. Raises MeteringValueError."""
    text = str(value).strip().upper()
    if text not in {"IMPORT", "EXPORT"}:
        raise MeteringValueError(column, value, "the direction must be said", "Write IMPORT or EXPORT.")
    return text


def read_quality(column: str, value: Any) -> int:
    """The place in QUALITIES: ACTUAL (A, or nothing), ESTIMATED (E) or SUSPECT (S). Raises MeteringValueError."""
    text = "" if value is None else str(value).strip().upper()
    text = WORDS.get(text, text)
    if text not in QUALITIES:
        raise MeteringValueError(
            column, value, "this is no quality flag", "Write ACTUAL, ESTIMATED or SUSPECT, or A, E or S."
        )
    return QUALITIES.index(text)


def read_minutes(column: str, value: Any) -> int:
    """How long a row's period is. Raises MeteringValueError unless it divides half an hour as the field does."""
    text = str(value).strip()
    if not (text.isascii() and text.isdigit() and len(text) < 4 and int(text) in MINUTES):
        raise MeteringValueError(
            column, value, "periods last 1, 5, 10, 15 or 30 minutes", "Sum or split the readings to one of these."
        )
    return int(text)


def check_grid(column: str, value: Any, minute: int, minutes: int) -> None:
    """Raise MeteringValueError unless a period of `minutes` may begin at `minute`, which keeps it inside a half hour."""
    if minute % HALF_HOUR_MIN % minutes:
        fix = "Check whether times are starts or ends, and how many minutes a row covers."
        raise MeteringValueError(
            column, value, f"periods of {minutes} minutes begin on their own grid within the half hour", fix
        )
