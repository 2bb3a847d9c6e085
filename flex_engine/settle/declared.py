"""Baselines that are said beforehand: nominated by the seller in time, or zero for a site that draws nothing by itself.

A nomination is worth what its time stamp is worth: one made after its deadline could follow what the site did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from flex_engine.settle.baseline import Baseline, BaselineError, event_of
from flex_engine.timegrid import LONDON, utc


@dataclass(frozen=True, slots=True)
class Nomination:
    """Expected energy in Wh by settlement period start, and when it was received (UTC)."""

    periods: Mapping[datetime, int]
    received_at: datetime


@dataclass(frozen=True, slots=True)
class NominationParameters:
    """The last moment a nomination may arrive: `deadline` by the London clock, that many days before the settlement day."""

    days_before: int = 1
    deadline: str = "12:00"


def nominated(
    *,
    nomination: Nomination | None,
    periods: Sequence[datetime],
    parameters: NominationParameters = NominationParameters(),
    method: str = "nominated-v1",
) -> Baseline:
    """The seller's own nomination. Raises BaselineError where it is missing, late or negative.

    Source of the deadline: ElectronConnect takes baseline revisions until 12:00 on the day ahead.
    """
    starts, day, _ = event_of(periods)
    if nomination is None:
        raise BaselineError("The nominated baseline needs a nomination; none was given.")
    deadline = deadline_of(day, parameters)
    if utc(nomination.received_at) > deadline:
        raise BaselineError(
            f"The nomination arrived at {utc(nomination.received_at):%Y-%m-%dT%H:%M:%S}Z, after its deadline {deadline:%Y-%m-%dT%H:%M}Z."
        )
    missing = [start for start in starts if start not in nomination.periods]
    if missing:
        named = ", ".join(f"{start:%Y-%m-%dT%H:%M}Z" for start in missing)
        raise BaselineError(f"The nomination names no energy for {named}.")
    energy = {start: nomination.periods[start] for start in starts}
    below = [start for start, wh in energy.items() if wh < 0]
    if below:
        raise BaselineError(f"The nomination is negative at {below[0]:%Y-%m-%dT%H:%M}Z; a site's import is at least 0.")
    return Baseline(method=method, periods=energy, unadjusted=energy)


def deadline_of(day: date, parameters: NominationParameters = NominationParameters()) -> datetime:
    """The last UTC moment a nomination of settlement day `day` may arrive."""
    before = day - timedelta(days=parameters.days_before)
    return utc(datetime.combine(before, time.fromisoformat(parameters.deadline), LONDON))


def zero(*, periods: Sequence[datetime], method: str = "zero-v1") -> Baseline:
    """No energy in any period: for an asset that draws nothing unless it is called."""
    starts, _, _ = event_of(periods)
    nothing = dict.fromkeys(starts, 0)
    return Baseline(method=method, periods=nothing, unadjusted=nothing)
