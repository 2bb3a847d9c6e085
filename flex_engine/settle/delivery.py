"""What was delivered against a baseline, per settlement period, in integer Wh: counted for a buyer, or as it was.

Source of the arithmetic: the published DEG demand-flexibility policy; with a partial dispatch both the eligible and the
shortfall quantity are measured against what was instructed. Dispatches that run at the same time share what the one
meter shows in proportion to what each instructed, rounded down: no Wh is ever paid twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Direction = Literal["REDUCE", "INCREASE"]


class MissingReadingError(LookupError):
    """A settlement period has no reading or baseline; a missing reading is never zero."""


@dataclass(frozen=True, slots=True)
class PeriodDelivery:
    """One settlement period. delivered >= 0, eligible = delivered up to the cap, shortfall = instructed less delivered.

    Where the cap is what was instructed, as it is unless a product says otherwise, eligible + shortfall = instructed.
    `delivered` is this dispatch's share of what the meter shows: all of it, unless another dispatch ran beside it.
    """

    start: datetime
    instructed_wh: int
    baseline_wh: int
    metered_wh: int
    delivered_wh: int
    eligible_wh: int
    shortfall_wh: int


def deliver(
    *,
    instructed_wh: Mapping[datetime, int],
    baseline_wh: Mapping[datetime, int],
    metered_wh: Mapping[datetime, int],
    direction: Direction,
    others_wh: Mapping[datetime, int] | None = None,
    cap_percent: int = 100,
) -> list[PeriodDelivery]:
    """Delivery of every instructed period in order of time. Raises MissingReadingError listing periods without data.

    `others_wh` is the energy instructed at the same site and time by other dispatches; `cap_percent` is how much of what
    was instructed can be paid for.
    """
    if direction not in ("REDUCE", "INCREASE"):
        raise ValueError(f"direction is {direction!r}; write REDUCE or INCREASE")
    check_known(instructed_wh, reading=metered_wh, baseline=baseline_wh)
    return [
        one_period(
            start,
            instructed_wh[start],
            baseline_wh[start],
            metered_wh[start],
            direction,
            (others_wh or {}).get(start, 0),
            cap_percent,
        )
        for start in sorted(instructed_wh)
    ]


def one_period(
    start: datetime,
    instructed: int,
    baseline: int,
    metered: int,
    direction: Direction,
    others: int = 0,
    cap_percent: int = 100,
) -> PeriodDelivery:
    """Delivery of one period; turning the wrong way delivers nothing, never a negative amount."""
    delivered = max(0, baseline - metered if direction == "REDUCE" else metered - baseline)
    if others:
        delivered = delivered * instructed // (instructed + others)
    eligible = min(delivered, instructed * cap_percent // 100)
    return PeriodDelivery(start, instructed, baseline, metered, delivered, eligible, max(0, instructed - delivered))


def deviations(
    *, periods: Iterable[datetime], baseline_wh: Mapping[datetime, int], metered_wh: Mapping[datetime, int]
) -> dict[datetime, int]:
    """Baseline less metered in Wh, signed: what the site drew less than expected. Neither floored nor capped.

    This is what wholesale settlement moves. Raises MissingReadingError listing periods without data.
    """
    starts = sorted(periods)
    check_known(starts, reading=metered_wh, baseline=baseline_wh)
    return {start: baseline_wh[start] - metered_wh[start] for start in starts}


def check_known(starts: Iterable[datetime], **known: Mapping[datetime, int]) -> None:
    """Raise MissingReadingError unless each of `known` holds every one of `starts`."""
    wanted = sorted(starts)
    for name, values in known.items():
        missing = [start for start in wanted if start not in values]
        if missing:
            named = ", ".join(f"{start:%Y-%m-%dT%H:%M}Z" for start in missing)
            raise MissingReadingError(f"There is no {name} for {named}.")
