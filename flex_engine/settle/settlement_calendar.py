"""When the market closes a settlement period and when each run of a settlement day is due. All offsets are dated rows.

A run is named by its code: II < SF < R1 < R2 < R3 < RF < DF; a later one supersedes an earlier one. Dates worked out from
nominal offsets say so; a published Settlement Calendar, where the caller has one, goes before them. It knows no prices.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from flex_engine.settle.effective import Evidence, NothingInForceError, Row, in_force, rows_of
from flex_engine.timegrid import LONDON, settlement_period, utc, working_day_after

Timetable = Literal["BSC", "MHHS"]
Published = Mapping[tuple[date, str], date]


@dataclass(frozen=True, slots=True)
class RunDate:
    """When run `run` of a settlement day is due, how the date came about and how well its rule is known."""

    run: str
    day: date
    basis: Literal["PUBLISHED", "COMPUTED"]
    evidence: Evidence
    source: str


def gate_closure(start: datetime, *, rows: Sequence[Row] | None = None) -> datetime:
    """UTC moment after which nothing is notified for the settlement period that starts at `start`.

    This is the BSC's gate closure, not that of an offer. Raises NothingInForceError before 2016, ValueError off the grid.
    """
    day, _ = settlement_period(start)
    rule = in_force(rows_of("gate_closure") if rows is None else rows, "BSC", day)
    return utc(start) - timedelta(minutes=rule.values["minutes_before"])


def runs(*, rows: Sequence[Row] | None = None) -> tuple[str, ...]:
    """Run codes in their order, earliest first.

    >>> runs()
    ('II', 'SF', 'R1', 'R2', 'R3', 'RF', 'DF')
    """
    held = rows_of("settlement_runs") if rows is None else rows
    order = {row.key.split("/")[1]: row.values["order"] for row in held}
    return tuple(sorted(order, key=order.__getitem__))


def supersedes(run: str, earlier: str) -> bool:
    """Whether `run` comes after `earlier`. Raises ValueError for a code that is no run."""
    order = runs()
    for code in (run, earlier):
        if code not in order:
            raise ValueError(f"{code!r} is no settlement run; the runs are {', '.join(order)}")
    return order.index(run) > order.index(earlier)


def run_date(
    day: date,
    run: str,
    *,
    timetable: Timetable = "BSC",
    published: Published | None = None,
    rows: Sequence[Row] | None = None,
) -> RunDate:
    """When `run` of settlement day `day` is due. `timetable` is MHHS for a meter that has migrated.

    Raises NothingInForceError where neither a published date nor an offset is held: it is not guessed.
    """
    if published and (day, run) in published:
        return RunDate(run, published[day, run], "PUBLISHED", "primary", "published Settlement Calendar")
    rule = in_force(rows_of("settlement_runs") if rows is None else rows, f"{timetable}/{run}", day)
    if "working_days" in rule.values:
        due = working_day_after(day, rule.values["working_days"])
    else:
        due = working_day_after(months_after(day, rule.values["months"]), 0)
    return RunDate(run, due, "COMPUTED", rule.evidence, rule.source)


def statement_day(day: date, statement: str, *, rows: Sequence[Row] | None = None) -> date:
    """The last day for a monthly `statement` on a delivery of `day`: the nth working day of the next month.

    >>> statement_day(date(2025, 1, 8), "NESO/PRELIMINARY")
    datetime.date(2025, 2, 12)
    """
    rule = in_force(rows_of("statement_days") if rows is None else rows, statement, day)
    return working_day_after(months_after(day.replace(day=1), 1) - timedelta(days=1), rule.values["working_day"])


def months_after(day: date, months: int) -> date:
    """The same day `months` later, or the month's last where it has fewer days.

    >>> months_after(date(2025, 10, 31), 4)
    datetime.date(2026, 2, 28)
    """
    year, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + year, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def run_calendar(
    day: date, *, timetable: Timetable = "BSC", published: Published | None = None, rows: Sequence[Row] | None = None
) -> tuple[RunDate, ...]:
    """Every run of `day` whose date is known, in order of the runs."""
    found = []
    for run in runs(rows=rows):
        try:
            found.append(run_date(day, run, timetable=timetable, published=published, rows=rows))
        except NothingInForceError:
            continue
    return tuple(found)


def run_of_price(day: date, known_at: datetime, *, published: Published | None = None) -> str:
    """The run whose figures a price of settlement day `day` is of, if it was known at `known_at`: the last that was due by then.

    Sources of prices do not tell their run, so the calendar does. Empty before run II: an indicative price.
    """
    return latest_run(day, on=known_at.astimezone(LONDON).date(), published=published) or ""


def latest_run(day: date, *, on: date, timetable: Timetable = "BSC", published: Published | None = None) -> str | None:
    """The last run of `day` due by `on`, RF at most (DF follows a dispute alone); None before the first."""
    due = [one.run for one in run_calendar(day, timetable=timetable, published=published) if one.day <= on]
    usual = [run for run in due if run != "DF"]
    return usual[-1] if usual else None
