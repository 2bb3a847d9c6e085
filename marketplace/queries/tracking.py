"""How a dispatch is going: the newest meter reading inside its window against the load that was declared at dispatch.

It is a live view. Settlement measures from the baseline, and its statement is what is paid by.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from marketplace.models import Activation, MeterReading, Offer, Order
from marketplace.rules.order_state import ActivationState
from marketplace.wire.aftercare import Live

UNDER_WAY = (ActivationState.ACCEPTED, ActivationState.IN_PROGRESS)
SOURCE = "half-hourly meter reading against the load declared at dispatch; not the settlement baseline"


def tracking_of(order: Order, *, now: datetime) -> Live:
    """The newest dispatch of the order that has begun by `now`; inactive when there is none or it is over."""
    activation = order.activations.filter(start_at__lte=now).order_by("-start_at", "-pk").first()
    if activation is None:
        return Live(is_active=False)
    is_active = now < activation.end_at and activation.state in UNDER_WAY
    reading = newest_reading(activation, now=now)
    if reading is None:
        return Live(is_active)
    declared = activation.periods.get(start_at=reading.start_at).declared_kw
    change = declared - Decimal(reading.import_wh) / 500
    return Live(
        is_active=is_active,
        delivered_kw=change if order.offer.direction == Offer.Direction.TURN_DOWN else -change,
        period_start=reading.start_at,
        as_of=reading.known_at,
        label=reading.label,
        source=SOURCE,
    )


def newest_reading(activation: Activation, *, now: datetime) -> MeterReading | None:
    """The last reading known at `now` of the latest settlement period of the dispatch that has one."""
    starts = activation.periods.values_list("start_at", flat=True)
    rows = MeterReading.objects.filter(site=activation.order.offer.site, start_at__in=list(starts), known_at__lte=now)
    return rows.order_by("-start_at", "-known_at", "-pk").first()
