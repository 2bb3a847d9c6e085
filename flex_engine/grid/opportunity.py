"""Where moving load would pay: windows of price and carbon set against the best other window work could move to.

It sees two series and nothing of sites, jobs or orders; whether anybody can move is the flexibility room's question.
Prices may be negative, and then turning up is the opportunity.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np

from flex_engine.grid.features import Array
from flex_engine.series import HalfHourly
from flex_engine.timegrid import HALF_HOUR

Direction = Literal["REDUCE", "INCREASE"]


@dataclass(frozen=True, slots=True)
class Opportunity:
    """Turn load down (REDUCE) or up (INCREASE) in [start, end) and move the same energy to or from [other_start, ...).

    `price_spread` (GBP/MWh) and `carbon_spread` (gCO2e/kWh) are what each unit of energy saves by the move: positive is
    gain, and one of them may be negative. `value` (GBP/MWh) adds the carbon at the carbon price it was searched with.
    `reason` says it in a sentence.
    """

    start: datetime
    end: datetime
    reason: str
    price_spread: float
    carbon_spread: float
    value: float
    direction: Direction
    other_start: datetime


def windows(
    price: HalfHourly,
    carbon: HalfHourly,
    *,
    length_slots: int,
    direction: Direction = "REDUCE",
    within_slots: int = 48,
    carbon_price_gbp_per_tonne: float = 0.0,
    least_value: float = 0.0,
    most: int = 5,
) -> list[Opportunity]:
    """Up to `most` windows of `length_slots` half hours that do not overlap, the most valuable first.

    Work moves later, as deferrable work does: load turned down now runs in the best window that starts within
    `within_slots` after this one ends; load turned up now is taken from the dearest such window. Only windows worth more
    than `least_value` GBP/MWh are returned. Two of them may point to the same other window: each spread is that of the
    first energy moved there. Raises ValueError when the series do not cover the same half hours.

    >>> from datetime import UTC
    >>> from flex_engine.quantities import Label
    >>> t = datetime(2024, 1, 2, 16, tzinfo=UTC)
    >>> price = HalfHourly("price", t, (90.0, 90.0, 30.0, 40.0), "GBP/MWh", "doctest", Label.SIMULATED, t)
    >>> carbon = HalfHourly("carbon_intensity", t, (200.0, 180.0, 100.0, 120.0), "gCO2e/kWh", "doctest", Label.SIMULATED, t)
    >>> windows(price, carbon, length_slots=1)[0].price_spread
    60.0
    """
    if (price.start, len(price.values)) != (carbon.start, len(carbon.values)):
        raise ValueError(
            f"price covers {price.start.isoformat()} to {price.end.isoformat()} and carbon {carbon.start.isoformat()} to "
            f"{carbon.end.isoformat()}; slice both to the same half hours"
        )
    if length_slots < 1 or within_slots < 1:
        raise ValueError(f"length_slots {length_slots} and within_slots {within_slots} must be at least 1")
    prices, carbons = _means(price, length_slots), _means(carbon, length_slots)
    worth = prices + carbons * carbon_price_gbp_per_tonne / 1000  # g/kWh is kg/MWh
    sign = 1.0 if direction == "REDUCE" else -1.0
    partners = _partners(sign * worth, length_slots, within_slots)
    values = sign * (worth[: partners.size] - worth[partners])
    taken = np.zeros(len(price.values), dtype=bool)
    found: list[Opportunity] = []
    for first in np.argsort(-values, kind="stable").tolist():
        if len(found) == most or values[first] <= least_value:
            break
        if taken[first : first + length_slots].any():
            continue
        taken[first : first + length_slots] = True
        other = int(partners[first])
        price_spread, carbon_spread = (float(sign * (line[first] - line[other])) for line in (prices, carbons))
        start, other_start = price.start + first * HALF_HOUR, price.start + other * HALF_HOUR
        found.append(
            Opportunity(
                start=start,
                end=start + length_slots * HALF_HOUR,
                reason=_reason(direction, prices[first], prices[other], carbons[first], carbons[other], other_start),
                price_spread=price_spread,
                carbon_spread=carbon_spread,
                value=float(values[first]),
                direction=direction,
                other_start=other_start,
            )
        )
    return found


def _means(series: HalfHourly, length: int) -> Array:
    total = np.concatenate([[0.0], np.cumsum(np.array(series.values, dtype=np.float64))])
    return (total[length:] - total[:-length]) / length


def _partners(worth: Array, length: int, within: int) -> np.ndarray:
    """For each window with room after it, the cheapest later window that does not overlap it (earliest of equals)."""
    count = max(0, worth.size - length)
    best = np.empty(count, dtype=np.int64)
    for first in range(count):
        last = min(first + length + within, worth.size)
        best[first] = first + length + int(np.argmin(worth[first + length : last]))
    return best


def _reason(direction: Direction, price: float, other: float, carbon: float, other_carbon: float, at: datetime) -> str:
    here = f"£{price:.0f}/MWh and {carbon:.0f} g/kWh here"
    there = f"£{other:.0f}/MWh and {other_carbon:.0f} g/kWh from {at:%Y-%m-%dT%H:%MZ}"
    if direction == "REDUCE":
        return f"{here} against {there}: work is better done then."
    return f"{here} against {there}: work of then is better done now."
