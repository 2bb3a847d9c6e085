"""What a site would have drawn without the event: the value every baseline method makes. Energy is integer Wh per period.

The methods themselves are in like_day, near_event and declared; which of them are offered, with which numbers and from
which day, is in registry. This room knows readings and periods; it knows no prices and no orders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from flex_engine.timegrid import settlement_period


class BaselineError(ValueError):
    """No baseline can be made; the message says which readings or days are missing."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """Baseline energy in Wh by settlement period start, with all it takes to work it out again.

    `clipped` holds what a value was before it was cut to what the site can draw.
    """

    method: str
    periods: dict[datetime, int]
    unadjusted: dict[datetime, int]
    adjustment_wh: int = 0
    days_used: tuple[date, ...] = ()
    window: tuple[datetime, ...] = ()
    event_days_used: tuple[date, ...] = ()
    clipped: dict[datetime, int] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """JSON-safe facts for a statement."""
        cut = (
            {"before_clipping_wh": {start.isoformat(): wh for start, wh in self.clipped.items()}}
            if self.clipped
            else {}
        )
        return {
            "method": self.method,
            "days_used": [day.isoformat() for day in self.days_used],
            "event_days_used": [day.isoformat() for day in self.event_days_used],
            "adjustment_wh": self.adjustment_wh,
            "adjustment_window": [start.isoformat() for start in self.window],
            "unadjusted_wh": {start.isoformat(): wh for start, wh in self.unadjusted.items()},
            **cut,
        }


def clipped(baseline: Baseline, *, most_wh: int, least_wh: int = 0) -> Baseline:
    """The baseline cut to [least_wh, most_wh] in every period, with what was cut kept in `clipped`.

    An import-only site draws at least nothing and at most its agreed supply capacity (in Wh a half hour).
    """
    if least_wh > most_wh:
        raise ValueError(f"least_wh is {least_wh} and most_wh {most_wh}; the one may not exceed the other")
    within = {start: min(max(wh, least_wh), most_wh) for start, wh in baseline.periods.items()}
    cut = {start: wh for start, wh in baseline.periods.items() if within[start] != wh}
    return replace(baseline, periods=within, clipped=cut | baseline.clipped)


def event_of(periods: Sequence[datetime]) -> tuple[list[datetime], date, int]:
    """(period starts in order, settlement day, first settlement period). Raises BaselineError for an event of no period."""
    if not periods:
        raise BaselineError("The event has no settlement period.")
    starts = sorted(periods)
    day, first = settlement_period(starts[0])
    return starts, day, first


def readings_for(readings: Mapping[datetime, int], starts: Sequence[datetime], purpose: str) -> list[int]:
    """The reading of each of `starts`. Raises BaselineError naming every missing one and what it was for."""
    missing = [start for start in starts if start not in readings]
    if missing:
        named = ", ".join(f"{start:%Y-%m-%dT%H:%M}Z" for start in missing)
        raise BaselineError(f"{purpose} needs readings for {named}.")
    return [readings[start] for start in starts]
