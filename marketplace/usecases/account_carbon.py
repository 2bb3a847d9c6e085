"""The carbon of a delivery, for its statement: grams of what was drawn less, by the intensities known at a moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from flex_engine.quantities import Label, share
from flex_engine.settle.carbon import CarbonFactor, CarbonStatement, carbon_of
from marketplace.models import SignalPoint
from marketplace.usecases.price_delivery import decimal_of

SERIES = "carbon_intensity"


def account_carbon(*, moved_wh: Mapping[datetime, int], now: datetime) -> dict[str, Any]:
    """JSON-safe: kg, g_per_kwh (the mean over the energy), source, as_of and label, or `absent` with the half hours.

    `moved_wh` is signed, positive for less import. Rebound after the event is not counted, and the label says so.
    """
    rows = SignalPoint.objects.filter(series=SERIES, start_at__in=list(moved_wh), known_at__lte=now)
    found = {row.start_at: row for row in rows.order_by("known_at", "pk")}
    missing = sorted(start for start in moved_wh if start not in found)
    if missing:
        named = ", ".join(f"{start:%Y-%m-%dT%H:%M}Z" for start in missing)
        return {"absent": f"There is no carbon intensity for {named}."}
    stated = carbon_of(
        event_wh=moved_wh, rebound_wh={}, factors={start: factor_of(row) for start, row in found.items()}
    )
    return {
        "kg": f"{stated.event_grams.scaleb(-3):f}",
        "g_per_kwh": f"{mean_of(stated):f}",
        "source": ", ".join(sorted({row.source for row in found.values()})),
        "as_of": max(row.known_at for row in found.values()).isoformat(),
        "label": label_of(found.values()),
        "basis": f"{stated.label}; rebound after the event is not counted",
    }


def factor_of(row: SignalPoint) -> CarbonFactor:
    """A stored intensity as the engine takes it. Stored values carry no hash of the reply they came in."""
    basis = "actual" if row.label in (Label.MEASURED, Label.SIMULATED) else "forecast"
    return CarbonFactor(decimal_of(row), "national", basis, row.source, row.known_at, "")  # type: ignore[arg-type]


def mean_of(stated: CarbonStatement) -> Decimal:
    """Intensity in g/kWh to one place: weighted by the energy moved, the plain mean where none was."""
    moved = [abs(line.deviation_wh) for line in stated.lines]
    weights = moved if any(moved) else [1] * len(moved)
    factors = [Fraction(line.factor.g_per_kwh) for line in stated.lines]
    whole = sum((one * weight for one, weight in zip(factors, weights, strict=True)), Fraction(0))
    return share(whole.numerator, whole.denominator * sum(weights), places=1)


def label_of(rows: Any) -> str:
    """The least certain label among the intensities: SIMULATED, then FORECAST, ESTIMATED, MEASURED."""
    labels = {row.label for row in rows}
    order = (Label.SIMULATED, Label.FORECAST, Label.ESTIMATED, Label.MEASURED)
    return next((str(label) for label in order if label in labels), str(Label.ESTIMATED))
