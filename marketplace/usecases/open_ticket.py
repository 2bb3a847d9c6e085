"""Keep a buyer's question about an order under a ticket, where the operator's people see it."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from marketplace import events, notify
from marketplace.models import Order
from marketplace.rules.errors import MarketError


def open_ticket(*, order_id: str, buyer_subscriber_id: str, subject: str, now: datetime) -> str:
    """Write the question down and return its ticket, the id of its event. Raises MarketError: no such order."""
    with transaction.atomic():
        order = order_by_id(order_id, buyer_subscriber_id, code="BIZ_ORDER_NOT_FOUND")
        event = events.append(
            type="order.questioned",
            subject=f"order:{order.pk}",
            payload={"buyer": buyer_subscriber_id, "about": subject},
            organisations=[order.offer.site.organisation],
            now=now,
        )
        notify.changed(f"order:{order.pk}")
    return str(event.pk)


def order_by_id(order_id: str, buyer_subscriber_id: str, *, code: str) -> Order:
    """The buyer's order of that id; somebody else's looks the same as none."""
    try:
        order = (
            Order.objects.select_related("offer__site__organisation")
            .filter(pk=order_id, buyer_subscriber_id=buyer_subscriber_id)
            .first()
        )
    except (ValueError, ValidationError):
        order = None
    if order is None:
        raise MarketError(code, f"You have no order {order_id[:60]!r}.", fix="Send the contract's id.")
    return order
