"""Keep a buyer's rating of an order, in the record that nobody can rewrite. Rating again adds to it; the newest counts."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from marketplace import events, notify
from marketplace.models import Order
from marketplace.rules.errors import MarketError
from marketplace.rules.order_state import OrderState
from marketplace.usecases.open_ticket import order_by_id

RATED = frozenset({OrderState.ACTIVE, OrderState.DELIVERED, OrderState.SETTLED, OrderState.CANCELLED})


def rate_order(
    *, order_id: str, buyer_subscriber_id: str, score: Decimal, lowest: Decimal, highest: Decimal, now: datetime
) -> Order:
    """Write the rating down. Raises MarketError: no such order of this buyer, or nothing of it to rate yet."""
    with transaction.atomic():
        order = order_by_id(order_id, buyer_subscriber_id, code="BIZ_RATING_TARGET_NOT_FOUND")
        if order.state not in RATED:
            raise MarketError(
                "BIZ_INVALID_STATE_TRANSITION",
                "Nothing was dispatched or cancelled yet.",
                fix="Rate the order afterwards.",
            )
        events.append(
            type="order.rated",
            subject=f"order:{order.pk}",
            payload={
                "buyer": buyer_subscriber_id,
                "score": f"{score.normalize():f}",
                "lowest": f"{lowest.normalize():f}",
                "highest": f"{highest.normalize():f}",
            },
            organisations=[order.offer.site.organisation],
            now=now,
        )
        notify.changed(f"order:{order.pk}")
    return order
