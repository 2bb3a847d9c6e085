"""Until when a statement can be disputed, and by when a dispute is answered and decided. The days are dated rows.

A deadline is the end of a London day, as a UTC moment: before it is in time, from it on is late. The room knows days; it
knows no dispute.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from flex_engine.settle.effective import Row, in_force, rows_of
from flex_engine.timegrid import LONDON, day_start, utc, working_day_after

ONE_DAY = timedelta(days=1)


def dispute_until(issued_at: datetime, *, rows: Sequence[Row] | None = None) -> datetime:
    """UTC moment from which a statement issued at `issued_at` can no longer be disputed: its window in calendar days.

    Raises NothingInForceError for a day without a row, ValueError for a naive time.
    """
    day = utc(issued_at).astimezone(LONDON).date()
    return day_start(day + timedelta(days=rule(day, rows).values["window_days"]) + ONE_DAY)


def response_due(opened_at: datetime, *, rows: Sequence[Row] | None = None) -> datetime:
    """UTC moment from which a dispute opened at `opened_at` is overdue for an answer, by working days.

    >>> from datetime import UTC
    >>> response_due(datetime(2024, 1, 16, 14, 0, tzinfo=UTC)).isoformat()
    '2024-01-31T00:00:00+00:00'
    """
    return working_deadline(opened_at, "response_working_days", rows)


def decision_due(answered_at: datetime, *, rows: Sequence[Row] | None = None) -> datetime:
    """UTC moment from which a dispute answered at `answered_at` is overdue for a decision, by working days."""
    return working_deadline(answered_at, "decision_working_days", rows)


def working_deadline(start: datetime, name: str, rows: Sequence[Row] | None) -> datetime:
    """The end of the London day that lies `name` working days after that of `start`."""
    day = utc(start).astimezone(LONDON).date()
    return day_start(working_day_after(day, rule(day, rows).values[name]) + ONE_DAY)


def rule(day: date, rows: Sequence[Row] | None) -> Row:
    """The row in force on `day`."""
    return in_force(rows_of("dispute_clock") if rows is None else rows, "STANDARD", day)
