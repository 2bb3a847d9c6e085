"""Turn a quote into final terms with an order id. Still nothing is reserved: confirming does that."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction

from marketplace import notify
from marketplace.models import Order
from marketplace.rules.dispatch import check_gate, check_price
from marketplace.rules.errors import MarketError
from marketplace.rules.order_state import OrderEvent, OrderState, next_order_state


def initialise_order(*, transaction_id: uuid.UUID, buyer_subscriber_id: str, now: datetime) -> Order:
    """Move the buyer's order of this transaction to INITIALISED; repeating it answers the same order.

    Raises MarketError when there is no quote or it has expired, the gate has closed or the order is past this step.
    """
    with transaction.atomic():
        order = order_of(transaction_id, buyer_subscriber_id)
        if order.state == OrderState.INITIALISED:
            return order
        state = next_order_state(OrderState(order.state), OrderEvent.INITIALISE)
        check_gate(now=now, gate_closure_at=order.offer.gate_closure_at)
        check_price(quoted_pence=order.quote_pence, agreed_pence=None, now=now, expires_at=order.quote_expires_at)
        order.state = state
        order.version += 1
        order.save(update_fields=["state", "version"])
        notify.changed(f"order:{order.pk}")
    return order


def order_of(transaction_id: uuid.UUID, buyer_subscriber_id: str) -> Order:
    """The buyer's order of a transaction, locked; a stranger's transaction looks the same as an unknown one."""
    order = (
        Order.objects.select_for_update(of=("self",))
        .select_related("offer__site__organisation", "offer__plan")
        .filter(transaction_id=transaction_id, buyer_subscriber_id=buyer_subscriber_id)
        .first()
    )
    if order is None:
        raise MarketError(
            "BIZ_ORDER_NOT_FOUND", f"No order of yours has transaction {transaction_id}.", fix="Select an offer first."
        )
    return order
