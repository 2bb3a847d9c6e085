"""Cancel an order before it is dispatched, on the terms it was quoted with, and give its capacity back to the offer."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction

from marketplace import events, notify
from marketplace.models import Order
from marketplace.rules.errors import MarketError
from marketplace.rules.order_state import OrderEvent, OrderState, next_order_state
from marketplace.rules.sale_terms import fee_due
from marketplace.usecases.initialise_order import order_of
from marketplace.usecases.publish_catalogue import refresh_catalogue
from marketplace.usecases.release_capacity import release_capacity


def cancel_order(*, transaction_id: uuid.UUID, buyer_subscriber_id: str, reason: str, now: datetime) -> Order:
    """Cancel; repeating it answers the same order. The buyer owes what `cancellation_charged_pence` then says.

    After a dispatch: MarketError POL_CANCELLATION_NOT_ALLOWED.
    """
    with transaction.atomic():
        order = order_of(transaction_id, buyer_subscriber_id)
        if order.state == OrderState.CANCELLED:
            return order
        if order.state in {OrderState.ACTIVE, OrderState.DELIVERED, OrderState.SETTLED}:
            raise MarketError(
                "POL_CANCELLATION_NOT_ALLOWED",
                "The order has been dispatched.",
                fix="It ends by delivery and settlement.",
            )
        state = next_order_state(OrderState(order.state), OrderEvent.CANCEL)
        order.cancellation_charged_pence = fee_due(
            confirmed=order.state == OrderState.CONFIRMED,
            now=now,
            free_until=order.free_cancellation_until,
            fee=order.cancellation_fee_pence,
        )
        reserved = release_capacity(order=order, now=now)
        order.state = state
        order.version += 1
        order.save(update_fields=["state", "cancellation_charged_pence", "version"])
        organisation = order.offer.site.organisation
        events.append(
            type="order.cancelled",
            subject=f"order:{order.pk}",
            payload={
                "reason": reason[:200],
                "capacity_returned": "yes" if reserved else "no",
                "fee_pence": str(order.cancellation_charged_pence),
            },
            organisations=[organisation],
            now=now,
        )
        if reserved:
            refresh_catalogue(organisation=organisation, now=now)
        notify.changed("catalogue", "offers", f"orders:{organisation.slug}", f"order:{order.pk}")
    return order
