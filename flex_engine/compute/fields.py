"""Read one cell of a queue file: numbers, durations, times and yes/no, each refused in plain words when it is none."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

NUMBER = re.compile(r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?$", re.ASCII)
CLOCK = re.compile(
    r"^(?:(\d+)-)?(\d{1,4}):([0-5]\d)(?::([0-5]\d))?$", re.ASCII
)  # sacct writes days-hours:minutes:seconds
ISO = re.compile(r"^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$", re.ASCII)
LONGEST_S = 366 * 86400
YES, NO = {"true", "yes", "y", "1"}, {"false", "no", "n", "0"}


class FieldError(ValueError):
    """What is wrong with one cell, and what to write instead."""

    def __init__(self, column: str, value: str, problem: str, fix: str) -> None:
        super().__init__(f"{column} is {value!r}: {problem}. {fix}")
        self.column, self.value, self.problem, self.fix = column, value, problem, fix


def read_number(
    column: str,
    value: Any,
    scale: float = 1,
    *,
    least: float | None = None,
    most: float = 1e9,
    exclusive: bool = False,
    missing: float | None = None,
) -> float:
    """A finite number times `scale`, within [least, most] (or above `least`). `missing` stands in for an empty cell."""
    written = "" if value is None else str(value).strip()
    if not written and missing is not None:
        return missing
    if not NUMBER.match(written) or not math.isfinite(float(written)):
        raise FieldError(column, written, "this is not a plain number", "Write digits with a point, such as 12.5.")
    found = float(written) * scale
    if found > most:
        raise FieldError(column, written, f"this is more than {most:g}", "Check the unit.")
    if least is not None and (found < least or (exclusive and found == least)):
        raise FieldError(
            column,
            written,
            f"this must be {'more than' if exclusive else 'at least'} {least:g}",
            "Check the sign and the unit.",
        )
    return found


def read_duration(column: str, value: Any, scale: float = 1) -> int:
    """Whole seconds, at least 1: a number of seconds (or of `scale` seconds), h:mm, d-hh:mm:ss, or ISO 8601 such as PT2H."""
    written = "" if value is None else str(value).strip()
    clock, iso = CLOCK.match(written), ISO.match(written.upper())
    if clock:
        days, hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        found: float = days * 86400 + hours * 3600 + minutes * 60 + seconds
    elif iso and any(iso.groups()):
        days, hours, minutes = (int(part or 0) for part in iso.groups()[:3])
        found = days * 86400 + hours * 3600 + minutes * 60 + float(iso.group(4) or 0)
    elif NUMBER.match(written):
        found = read_number(column, written, scale)
    else:
        raise FieldError(column, written, "this is not a duration", "Write seconds, h:mm or ISO 8601 such as PT2H30M.")
    if not 0 < found <= LONGEST_S:
        raise FieldError(column, written, "a duration is more than nothing and at most a year", "Check the unit.")
    return max(1, round(found))


def read_time(column: str, value: Any, scale: float, epoch: datetime | None) -> tuple[datetime, bool]:
    """(aware UTC time, whether it was counted from `epoch`)."""
    if isinstance(value, datetime):
        moment: datetime | None = value
    else:
        written = "" if value is None else str(value).strip()
        if NUMBER.match(written):
            return counted(column, written, scale, epoch), True
        try:
            moment = (
                datetime.fromisoformat(written.replace("Z", "+00:00")) if "T" in written or ":" in written else None
            )
        except ValueError:
            moment = None
    if moment is None:
        shown = "" if value is None else str(value)
        raise FieldError(
            column, shown, "this is not a time", "Write it like 2024-01-02T09:00Z or 2024-07-02T09:00+01:00."
        )
    if moment.tzinfo is None:
        raise FieldError(
            column,
            str(value),
            "this time has no zone",
            f"Write {moment.isoformat()}Z for UTC, or +01:00 for British summer time.",
        )
    return moment.astimezone(UTC), False


def counted(column: str, written: str, scale: float, epoch: datetime | None) -> datetime:
    """A time counted from `epoch` in units of `scale` seconds."""
    if epoch is None:
        raise FieldError(
            column,
            written,
            "this counts from an unknown start",
            "State the time zero of the file, or write full times.",
        )
    return (epoch + timedelta(seconds=read_number(column, written, scale, least=0))).astimezone(UTC)


def read_bool(column: str, value: Any, *, missing: bool) -> bool:
    """Yes or no in the usual spellings; `missing` stands in for an empty cell."""
    written = "" if value is None else str(value).strip().lower()
    if not written:
        return missing
    if written in YES | NO:
        return written in YES
    raise FieldError(column, str(value), "this is neither yes nor no", "Write true or false.")
