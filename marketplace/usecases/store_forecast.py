"""Keep one issue of a forecast, ours or a publisher's, as it was known; an issue that is kept already is not written again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from flex_engine.timegrid import HALF_HOUR
from marketplace.models import Forecast


def store_forecast(
    *,
    series: str,
    issued_at: datetime,
    start: datetime,
    p50: Sequence[float],
    unit: str,
    model: str,
    model_version: str,
    inputs_digest: str,
    sources: Sequence[str],
    now: datetime,
    p10: Sequence[float] = (),
    p90: Sequence[float] = (),
    label: str = "FORECAST",
) -> tuple[Forecast, bool]:
    """The row, and whether it is new. It counts as known from `now` on.

    The same issue (series, model, version, time of issue, first half hour) with the same values is one row, whenever it is
    fetched again; with other values it is a second row, known later, and the first stands. Raises ValueError when the issue
    lies after `now`, or a band is not as long as the central path.
    """
    if issued_at > now:
        raise ValueError(f"{series} of {model} is issued at {issued_at.isoformat()}, after it became known")
    if not p50 or {len(p10), len(p90)} - {0, len(p50)}:
        raise ValueError(f"{series} of {model} has {len(p50)} values and a band of {len(p10)} and {len(p90)}")
    with transaction.atomic():
        same = Forecast.objects.filter(
            series=series, model=model, model_version=model_version, issued_at=issued_at, start_at=start
        )
        for row in same.order_by("pk"):
            if row.inputs_digest == inputs_digest or (row.p50, row.p10, row.p90) == (list(p50), list(p10), list(p90)):
                return row, False
        made = Forecast.objects.create(
            series=series,
            issued_at=issued_at,
            known_at=now,
            start_at=start,
            end_at=start + len(p50) * HALF_HOUR,
            model=model,
            model_version=model_version,
            unit=unit,
            p10=list(p10),
            p50=list(p50),
            p90=list(p90),
            inputs_digest=inputs_digest,
            sources=list(sources),
            label=label,
        )
    return made, True
