"""The baseline methods on offer: name, version, parameters, the days they are in force, and what must be said about them.

The rows are rows/baseline_methods.json. An id such as like-day-mean-v1 never changes its meaning: other numbers are
another version. A biased method can be chosen with its name and can never be the default.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, Literal

from flex_engine.settle.baseline import Baseline, BaselineError, event_of
from flex_engine.settle.declared import Nomination, NominationParameters, deadline_of, nominated, zero
from flex_engine.settle.effective import Evidence, NothingInForceError, Row, in_force, rows_of
from flex_engine.settle.like_day import LikeDayParameters, like_day_mean
from flex_engine.settle.near_event import NearEventParameters, before_after, meter_before

Standing = Literal["DEFAULT", "ALLOWED", "BIASED"]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a site when a baseline is made: readings in Wh, days with dispatches, its nomination."""

    readings: Mapping[datetime, int]
    event_days: Collection[date]
    nomination: Nomination | None


@dataclass(frozen=True, slots=True)
class BaselineMethod:
    """One entry of the registry; `id` is what offers and statements carry."""

    id: str
    name: str
    version: int
    standing: Standing
    note: str
    parameters: Mapping[str, Any]
    effective_from: date | None
    effective_to: date | None
    evidence: Evidence
    source: str


def _like_day(known: Known, periods: Sequence[datetime], row: Row) -> Baseline:
    return like_day_mean(
        readings=known.readings,
        periods=periods,
        event_days=known.event_days,
        parameters=LikeDayParameters(**row.values["parameters"]),
        method=row.key,
    )


def _near(make: Callable[..., Baseline]) -> Callable[[Known, Sequence[datetime], Row], Baseline]:
    def made(known: Known, periods: Sequence[datetime], row: Row) -> Baseline:
        parameters = NearEventParameters(**row.values["parameters"])
        return make(readings=known.readings, periods=periods, parameters=parameters, method=row.key)

    return made


def _nominated(known: Known, periods: Sequence[datetime], row: Row) -> Baseline:
    parameters = NominationParameters(**row.values["parameters"])
    return nominated(nomination=known.nomination, periods=periods, parameters=parameters, method=row.key)


def _zero(_known: Known, periods: Sequence[datetime], row: Row) -> Baseline:
    return zero(periods=periods, method=row.key)


MAKERS: dict[str, Callable[[Known, Sequence[datetime], Row], Baseline]] = {
    "like-day": _like_day,
    "before-after": _near(before_after),
    "meter-before": _near(meter_before),
    "nominated": _nominated,
    "zero": _zero,
}


def work_out(
    method: str,
    *,
    readings: Mapping[datetime, int],
    periods: Sequence[datetime],
    event_days: Collection[date] = (),
    nomination: Nomination | None = None,
) -> Baseline:
    """The baseline of `periods` by the registry's `method`, with that id in it.

    Raises BaselineError where it cannot be made, or where the method is unknown or not in force on the event's day.
    """
    _, day, _ = event_of(periods)
    try:
        row = in_force(rows_of("baseline_methods"), method, day)
    except NothingInForceError as unknown:
        raise BaselineError(f"There is no baseline method to use: {unknown}") from unknown
    return MAKERS[row.values["method"]](Known(readings, event_days, nomination), periods, row)


@cache
def methods() -> tuple[BaselineMethod, ...]:
    """Every entry, the default first and the biased ones last."""
    order = ("DEFAULT", "ALLOWED", "BIASED")
    found = [entry_of(row) for row in rows_of("baseline_methods")]
    return tuple(sorted(found, key=lambda entry: (order.index(entry.standing), entry.id)))


def entry_of(row: Row) -> BaselineMethod:
    """The registry entry a row describes."""
    named = {name: row.values[name] for name in ("name", "version", "standing", "note", "parameters")}
    return BaselineMethod(
        id=row.key,
        effective_from=row.effective_from,
        effective_to=row.effective_to,
        evidence=row.evidence,
        source=row.source,
        **named,
    )


def nomination_deadline(method: str, day: date) -> datetime | None:
    """The last UTC moment to nominate settlement day `day` under `method`; None for a method that needs no nomination."""
    row = in_force(rows_of("baseline_methods"), method, day)
    if row.values["method"] != "nominated":
        return None
    return deadline_of(day, NominationParameters(**row.values["parameters"]))


def default_method() -> BaselineMethod:
    """The one entry offered where nobody chooses."""
    (default,) = [entry for entry in methods() if entry.standing == "DEFAULT"]
    return default
