"""Reading one field of one row of a publisher's answer, or saying in words what is wrong with it.

It knows JSON values and times only; which fields there are is each source's own business.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from flex_engine.feeds.http import FeedPayloadError
from flex_engine.timegrid import floor_half_hour, period_start, utc


def rows_of(payload: Any, *path: str, who: str) -> list[Any]:
    """The list at `path` of a JSON answer. Raises FeedPayloadError naming the publisher and what came instead."""
    found = payload
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, list):
        raise FeedPayloadError(f"{who} answered without a {'.'.join(path)} list: {str(payload)[:100]}")
    return found


def number(row: Any, name: str) -> float:
    """A JSON number. Raises ValueError for text, true, null and anything else; KeyError when it is not there."""
    found = row[name]
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise ValueError(f"{name} {found!r} is not a number")
    return float(found)


def text(row: Any, name: str, *, longest: int = 40) -> str:
    """A word: printable, not empty, at most `longest` characters. Raises ValueError otherwise."""
    found = row[name]
    if not isinstance(found, str) or not 0 < len(found) <= longest or not found.isprintable():
        raise ValueError(f"{name} {str(found)[:60]!r} is not a word of at most {longest} characters")
    return found


def moment(row: Any, name: str) -> datetime:
    """An ISO 8601 time with its zone, in UTC. Raises ValueError for one without."""
    found = row[name]
    try:
        return utc(datetime.fromisoformat(found))
    except (TypeError, ValueError) as problem:
        raise ValueError(f"{name} {str(found)[:60]!r} is not a time with its zone") from problem


def half_hour(row: Any, name: str) -> datetime:
    """A time that starts a half hour."""
    found = moment(row, name)
    if floor_half_hour(found) != found:
        raise ValueError(f"{name} {row[name]!r} does not start a half hour")
    return found


def bare_utc(row: Any, name: str) -> datetime:
    """A time written without a zone that its publisher documents as GMT. Raises ValueError for one that has a zone."""
    found = row[name]
    try:
        made = datetime.fromisoformat(found)
    except (TypeError, ValueError) as problem:
        raise ValueError(f"{name} {str(found)[:60]!r} is not a time") from problem
    if made.tzinfo is not None:
        raise ValueError(f"{name} {found!r} has a zone, which this publisher does not write")
    return made.replace(tzinfo=UTC)


def day(row: Any, name: str) -> date:
    """A date, also when midnight stands behind it."""
    found = row[name]
    try:
        return date.fromisoformat(found[:10])
    except (TypeError, ValueError) as problem:
        raise ValueError(f"{name} {str(found)[:60]!r} is not a date") from problem


def settlement(row: Any, day_name: str, period_name: str) -> datetime:
    """UTC start of the settlement period that two fields name. Raises ValueError for a period the day does not have."""
    period = row[period_name]
    if isinstance(period, bool) or not isinstance(period, int):
        raise ValueError(f"{period_name} {period!r} is not a whole number")
    return period_start(day(row, day_name), period)
