"""What may stand in for a missing reading: named rules with a version, as rows with the days they are in force.

An estimate is made from actual readings alone and says which. A rule never reaches further than it says, and nothing here
decides that an estimate is used: somebody does, by a rule's name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from flex_engine.quantities import divide
from flex_engine.settle.effective import NothingInForceError, Row, in_force, rows_of
from flex_engine.timegrid import HALF_HOUR, is_working_day, period_start, periods_in_day, settlement_period


class EstimateError(ValueError):
    """The rule does not reach this half hour; the message says why."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a rule may use: actual readings in Wh by start, and settlement days with dispatches."""

    actual: Mapping[datetime, int]
    event_days: Collection[date]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Energy of one half hour in Wh, and the starts of the readings it was made from."""

    start: datetime
    wh: int
    made_from: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class EstimationRule:
    """One entry of the registry; `id` is what an estimated reading carries as its source."""

    id: str
    name: str
    version: int
    note: str
    parameters: Mapping[str, Any]
    effective_from: date | None
    effective_to: date | None
    source: str


def linear(known: Known, start: datetime, missing: Collection[datetime], most_periods: int) -> Estimate:
    """A straight line between the actual readings on either side of the gap that holds `start`."""
    before, after = start - HALF_HOUR, start + HALF_HOUR
    while before in missing:
        before -= HALF_HOUR
    while after in missing:
        after += HALF_HOUR
    length = (after - before) // HALF_HOUR - 1
    if length > most_periods:
        raise EstimateError(
            f"{start:%Y-%m-%dT%H:%M}Z lies in a gap of {length} half hours; this rule fills up to {most_periods}."
        )
    for neighbour in (before, after):
        if neighbour not in known.actual:
            raise EstimateError(
                f"{start:%Y-%m-%dT%H:%M}Z has no actual reading beside it at {neighbour:%Y-%m-%dT%H:%M}Z."
            )
    steps = (start - before) // HALF_HOUR
    rise = (known.actual[after] - known.actual[before]) * steps
    return Estimate(start, known.actual[before] + divide(rise, length + 1), (before, after))


def like_day(known: Known, start: datetime, _missing: Collection[datetime], lookback_days: int) -> Estimate:
    """The actual reading of the same settlement period on the most recent like day without a dispatch."""
    day, period = settlement_period(start)
    if periods_in_day(day) != 48:
        raise EstimateError(f"{day} is the day of a clock change, and no other day is like it.")
    for back in range(1, lookback_days + 1):
        other = day - timedelta(days=back)
        if periods_in_day(other) != 48 or other in known.event_days or is_working_day(other) != is_working_day(day):
            continue
        found = period_start(other, period)
        if found in known.actual:
            return Estimate(start, known.actual[found], (found,))
    raise EstimateError(
        f"{start:%Y-%m-%dT%H:%M}Z has no like day with an actual reading in the {lookback_days} days before."
    )


MAKERS: dict[str, Callable[..., Estimate]] = {"linear": linear, "like-day": like_day}


def estimate(rule: str, *, missing: Sequence[datetime], known: Known) -> list[Estimate]:
    """The half hours of `missing` by `rule`, all of them.

    Raises EstimateError where the rule does not reach one, is unknown, or was not in force on its day.
    """
    found, gaps = [], set(missing)
    for start in sorted(gaps):
        row = rule_row(rule, settlement_period(start)[0])
        found.append(MAKERS[row.values["method"]](known, start, gaps, **row.values["parameters"]))
    return found


def rule_row(rule: str, day: date) -> Row:
    """The row of `rule` on `day`. Raises EstimateError."""
    try:
        return in_force(rows_of("estimation_rules"), rule, day)
    except NothingInForceError as unknown:
        raise EstimateError(f"There is no estimation rule to use: {unknown}") from unknown


@cache
def rules() -> tuple[EstimationRule, ...]:
    """Every entry of the registry."""
    return tuple(
        EstimationRule(
            id=row.key,
            effective_from=row.effective_from,
            effective_to=row.effective_to,
            source=row.source,
            **{name: row.values[name] for name in ("name", "version", "note", "parameters")},
        )
        for row in rows_of("estimation_rules")
    )
