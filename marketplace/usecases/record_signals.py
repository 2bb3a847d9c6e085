"""Store half-hourly grid signals as they became known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from flex_engine.series import HalfHourly
from marketplace import notify
from marketplace.models import SignalPoint

HALF_HOUR = timedelta(minutes=30)


def record_signals(*, series: Sequence[HalfHourly], now: datetime, published_after: timedelta | None = None) -> int:
    """Insert values not yet known; returns how many were new.

    A value is known from `now` on, or, with `published_after`, from that long after the end of its own half hour:
    that is how recorded history is loaded without letting a forecast see what had not been published yet.
    """
    rows = [
        SignalPoint(
            series=one.name,
            start_at=one.start + index * HALF_HOUR,
            value=value,
            unit=one.unit,
            source=one.source[:80],
            label=str(one.label),
            known_at=now if published_after is None else one.start + (index + 1) * HALF_HOUR + published_after,
        )
        for one in series
        for index, value in enumerate(one.values)
    ]
    with transaction.atomic():
        before = SignalPoint.objects.count()
        SignalPoint.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)
        added = SignalPoint.objects.count() - before
        if added:
            notify.changed("signals")
    return added
