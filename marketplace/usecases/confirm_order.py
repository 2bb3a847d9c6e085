"""Sell: reserve the capacity of every settlement period at once, or not at all."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction

from marketplace import enqueue, events, notify
from marketplace.models import Order
from marketplace.rules.dispatch import check_gate, check_price
from marketplace.rules.order_state import OrderEvent, OrderState, next_order_state
from marketplace.usecases.hold_capacity import hold_capacity
from marketplace.usecases.initialise_order import order_of
from marketplace.usecases.publish_catalogue import refresh_catalogue


def confirm_order(
    *, transaction_id: uuid.UUID, buyer_subscriber_id: str, agreed_pence: int | None, now: datetime
) -> Order:
    """Confirm the initialised order; repeating it answers the same order. The reservation is atomic.

    Raises MarketError: sold out, withdrawn, not to be stacked with what the site has sold, quote expired or changed, gate
    closed, wrong state.
    """
    with transaction.atomic():
        order = order_of(transaction_id, buyer_subscriber_id)
        if order.state == OrderState.CONFIRMED:
            return order
        state = next_order_state(OrderState(order.state), OrderEvent.CONFIRM)
        check_gate(now=now, gate_closure_at=order.offer.gate_closure_at)
        check_price(
            quoted_pence=order.quote_pence, agreed_pence=agreed_pence, now=now, expires_at=order.quote_expires_at
        )
        hold_capacity(order=order, now=now)
        order.state, order.confirmed_at = state, now
        order.version += 1
        order.save(update_fields=["state", "confirmed_at", "version"])
        record(order, now=now)
        refresh_catalogue(organisation=order.offer.site.organisation, now=now)
    return order


def record(order: Order, *, now: datetime) -> None:
    """The event, the pages and the agent that follow from a sale."""
    organisation = order.offer.site.organisation
    events.append(
        type="order.confirmed",
        subject=f"order:{order.pk}",
        payload={
            "offer": str(order.offer_id),
            "buyer": order.buyer_subscriber_id,
            "terms_sha256": order.terms_digest,
            "quote_pence": str(order.quote_pence),
            "periods": [
                {"start": row.start_at.isoformat(), "power_w": int(row.ordered_kw * 1000)}
                for row in order.periods.order_by("start_at")
            ],
        },
        organisations=[organisation],
        now=now,
    )
    notify.changed("catalogue", "offers", f"orders:{organisation.slug}", f"order:{order.pk}")
    enqueue.enqueue("marketplace.agents.coordination.tick")
