"""Issue forecasts of carbon intensity and price from what was known at the moment of issue."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from flex_engine.grid.forecast import best_available
from flex_engine.quantities import Label
from flex_engine.series import HalfHourly
from flex_engine.timegrid import half_hours
from marketplace import notify
from marketplace.models import Forecast, SignalPoint
from marketplace.rules.errors import MarketError
from marketplace.usecases.store_forecast import store_forecast

SERIES = ("carbon_intensity", "price")
HISTORY = timedelta(weeks=10)
SHORTEST = timedelta(days=14)


def forecast_signals(*, start: datetime, slots: int, now: datetime) -> list[Forecast]:
    """One forecast a series for [start, start + slots half hours), from values known at `now` only.

    Raises MarketError SIGNALS_MISSING when a series has less than two unbroken weeks of history.
    """
    made = []
    with transaction.atomic():
        for name in SERIES:
            history = known_history(name, before=start, now=now)
            chosen = best_available(history)
            horizon = slots + int((start - history.end) / timedelta(minutes=30))
            issue = chosen.predict(start=history.end, slots=horizon)
            row, _ = store_forecast(
                series=name,
                issued_at=now,
                start=start,
                p10=issue.p10[-slots:],
                p50=issue.p50[-slots:],
                p90=issue.p90[-slots:],
                unit=issue.unit,
                model=issue.model,
                model_version=issue.model_version,
                inputs_digest=issue.inputs_digest,
                sources=issue.sources,
                label=str(Label.SIMULATED if history.label == Label.SIMULATED else Label.FORECAST),
                now=now,
            )
            made.append(row)
        notify.changed("signals")
    return made


def known_history(name: str, *, before: datetime, now: datetime) -> HalfHourly:
    """The longest unbroken run of values of `name` that ends last, as known at `now` and before `before`."""
    rows = SignalPoint.objects.as_known(now).filter(
        series=name, start_at__lt=min(before, now), start_at__gte=before - HISTORY
    )
    latest: dict[datetime, SignalPoint] = {row.start_at: row for row in rows}
    if not latest:
        raise MarketError(
            "SIGNALS_MISSING", f"No {name} values are known.", fix="Load a signals file or switch the live feeds on."
        )
    last = max(latest)
    first = last
    while first - timedelta(minutes=30) in latest:
        first -= timedelta(minutes=30)
    if last - first < SHORTEST:
        raise MarketError(
            "SIGNALS_MISSING",
            f"{name} has only {(last - first).days} unbroken days of history up to {last:%Y-%m-%dT%H:%M}Z; forecasts need 14.",
            fix="Load the missing half hours.",
        )
    starts = half_hours(first, last + timedelta(minutes=30))
    points = [latest[start] for start in starts]
    simulated = any(point.label == Label.SIMULATED for point in points)
    return HalfHourly(
        name=name,
        start=first,
        values=tuple(point.value for point in points),
        unit=points[-1].unit,
        source=points[-1].source,
        label=Label.SIMULATED if simulated else Label(points[-1].label),
        as_of=max(point.known_at for point in points),
    )
