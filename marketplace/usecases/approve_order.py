"""Say yes to an order that waits for the seller: it is sold, and the buyer is told."""

from __future__ import annotations

import logging
from datetime import datetime

from django.conf import settings
from django.db import transaction

from beckn import outbox
from beckn.registry import UnknownPeerError
from marketplace.models import Order, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.order_state import OrderEvent, OrderState, next_order_state
from marketplace.rules.roles import Action, require
from marketplace.usecases.confirm_order import settle_on
from marketplace.wire.contract import order_contract

log = logging.getLogger(__name__)


def approve_order(*, order: Order, user: User | None, now: datetime) -> Order:
    """Confirm an order that waits; saying it twice changes nothing. Raises MarketError: decided already, or too late."""
    with transaction.atomic():
        order = waiting_order(order, user)
        if order.state == OrderState.CONFIRMED:
            return order
        check_waits(order)
        if order.approve_by is None or now >= order.approve_by:
            raise MarketError(
                "TOO_LATE",
                f"This order could be approved until {order.approve_by or now:%Y-%m-%dT%H:%M}Z.",
                fix="It expires by itself; the buyer may order again while the gate is open.",
            )
        settle_on(order, next_order_state(OrderState(order.state), OrderEvent.APPROVE), now=now)
        tell(order)
    return order


def waiting_order(order: Order, user: User | None) -> Order:
    """The order, locked, for somebody who may sell."""
    rows = Order.objects.select_for_update(of=("self",)).select_related("offer__site__organisation", "offer__plan")
    order = rows.get(pk=order.pk)
    if user is not None:
        require(role_of(user, order.offer.site.organisation), Action.TRADE)
    return order


def check_waits(order: Order) -> None:
    """Raise MarketError unless the order waits for the seller."""
    if order.state != OrderState.PENDING:
        raise MarketError(
            "ORDER_DOES_NOT_WAIT",
            f"This order is {order.get_state_display().lower()}, so there is nothing to decide.",
            fix="Look at the order.",
        )


def tell(order: Order) -> None:
    """The buyer's on_status: the order as it now stands. A buyer the registry does not know is an error in the log.

    What was decided holds all the same, and the buyer can ask for it.
    """
    seller = settings.BECKN_PARTICIPANTS["bpp"]["subscriber_id"]
    try:
        outbox.send(
            role="bpp",
            action="on_status",
            message={"contract": order_contract(order, seller=seller)},
            to=order.buyer_subscriber_id,
            transaction_id=order.transaction_id,
        )
    except UnknownPeerError as problem:
        log.error("%s was not told what became of order %s: %s", order.buyer_subscriber_id, order.pk, problem)
