"""Carbon of a delivery, in exact grams of CO2e: less drawn in the event, drawn again in the rebound, and the net.

A factor carries where it came from, and a figure without one is not made. Average grid intensity says what the grid
emitted on average while the energy was not drawn; it is not what the delivery itself avoided, and the label says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from flex_engine.quantities import exact, kwh
from flex_engine.settle.delivery import MissingReadingError

Scope = Literal["national", "regional"]
Basis = Literal["actual", "forecast"]


@dataclass(frozen=True, slots=True)
class CarbonFactor:
    """Intensity of one half hour in gCO2e/kWh, with its provenance: source, when fetched, SHA-256 of the raw reply.

    Raises ValueError for a regional actual: the Carbon Intensity API publishes none.
    """

    g_per_kwh: Decimal
    scope: Scope
    basis: Basis
    source: str
    fetched_at: datetime
    raw_sha256: str

    def __post_init__(self) -> None:
        if (self.scope, self.basis) == ("regional", "actual"):
            raise ValueError("There is no regional actual intensity; use the regional forecast or the national actual.")
        if self.g_per_kwh < 0:
            raise ValueError(f"g_per_kwh is {self.g_per_kwh}; an intensity is at least 0.")


@dataclass(frozen=True, slots=True)
class CarbonLine:
    """Grams of CO2e of the signed deviation of one half hour; positive: less was drawn than expected."""

    start: datetime
    deviation_wh: int
    factor: CarbonFactor
    grams: Decimal


@dataclass(frozen=True, slots=True)
class CarbonStatement:
    """Grams CO2e, exact. net = event + rebound; the rebound is usually negative. `label` is shown wherever a figure is."""

    lines: tuple[CarbonLine, ...]
    event_grams: Decimal
    rebound_grams: Decimal
    net_grams: Decimal
    label: str


def carbon_of(
    *,
    event_wh: Mapping[datetime, int],
    rebound_wh: Mapping[datetime, int],
    factors: Mapping[datetime, CarbonFactor],
) -> CarbonStatement:
    """Carbon of signed deviations (baseline less metered, Wh) in the event and in the hours of rebound after it.

    Raises MissingReadingError naming half hours without a factor, ValueError where the two overlap.
    """
    both = sorted(set(event_wh) & set(rebound_wh))
    if both:
        raise ValueError(f"{both[0]:%Y-%m-%dT%H:%M}Z is in the event and in its rebound")
    deviations = {**event_wh, **rebound_wh}
    missing = sorted(start for start in deviations if start not in factors)
    if missing:
        named = ", ".join(f"{start:%Y-%m-%dT%H:%M}Z" for start in missing)
        raise MissingReadingError(f"There is no carbon intensity for {named}.")
    with exact():
        lines = tuple(
            CarbonLine(start, wh, factors[start], kwh(wh) * factors[start].g_per_kwh)
            for start, wh in sorted(deviations.items())
        )
        event = sum((line.grams for line in lines if line.start in event_wh), Decimal(0))
        rebound = sum((line.grams for line in lines if line.start in rebound_wh), Decimal(0))
        return CarbonStatement(lines, event, rebound, event + rebound, label_of(lines))


def label_of(lines: tuple[CarbonLine, ...]) -> str:
    """What kind of intensity stands behind the figures, in words."""
    kinds = sorted({f"{line.factor.scope} {line.factor.basis}" for line in lines})
    return f"average, location-based, {' and '.join(kinds) or 'no half hour'}; not marginal, so no claim of avoided emissions"
