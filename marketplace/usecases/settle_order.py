"""Settle an order that no dispatch was under, for the first time: run II, version 1. What follows is made by resettle.

An order under a product that pays for standing ready, never called, is paid its availability when its window is over. A
cancelled one that owes a fee is charged it. What other orders that were never called are owed is nothing.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from flex_engine.settle.versions import FIRST, Named, Reason
from marketplace.models import Activation, Held, Order, SettlementStatement
from marketplace.rules.errors import MarketError
from marketplace.rules.order_state import ActivationState, OrderState
from marketplace.rules.product_terms import product_on
from marketplace.usecases.make_statement import make_statement, work_out_order
from marketplace.usecases.settle_activation import deliver_order, hold_order


def settle_order(*, order: Order, now: datetime) -> SettlementStatement:
    """Make the statement of run II for an order that was not dispatched and tell the buyer. Again: the same answer.

    Raises MarketError: NOT_OVER (it may still be called), DISPATCHED (its dispatches are settled) or NOTHING_OWED.
    """
    with transaction.atomic():
        held = hold_order(order)
        done = held.first_statement
        if done is not None:
            return done
        reason = reason_to_settle(held, now=now)
        worked = work_out_order(held.order, known_at=now)
        if held.order.state == OrderState.CONFIRMED:
            deliver_order(held.order)
        return make_statement(held=held, worked=worked, name=Named(FIRST, 1), reason=reason, supersedes=None, now=now)


def reason_to_settle(held: Held, *, now: datetime) -> Reason:
    """Why the order is settled now. Raises MarketError where it is not."""
    order = held.order
    if order.state == OrderState.CANCELLED and order.cancellation_charged_pence:
        return "CANCELLED"
    if order.state != OrderState.CONFIRMED:
        raise MarketError(
            "NOTHING_OWED",
            f"An order that is {order.state.lower()} owes nothing beside what its dispatches are settled at.",
            fix="Look at its dispatches.",
        )
    if order.activations.exclude(state=ActivationState.REJECTED).exists():
        raise MarketError("DISPATCHED", "The order was dispatched.", fix="Its dispatches are settled.")
    if not product_on(order.offer.product, held.start_at).pays_availability:
        raise MarketError(
            "NOTHING_OWED", "The product pays for what is called alone, and nothing was.", fix="Nothing is to be done."
        )
    if now < held.end_at:
        raise MarketError(
            "NOT_OVER", f"The order's window ends at {held.end_at:%Y-%m-%dT%H:%M}Z.", fix="Settle it afterwards."
        )
    return "RUN_DUE"


def orders_to_settle(*, paying: list[str], now: datetime) -> QuerySet[Order]:
    """Orders that may be settled now: cancelled at a fee, or confirmed under a product among `paying` and never called."""
    called = Activation.objects.filter(order=OuterRef("pk")).exclude(state=ActivationState.REJECTED)
    charged = Q(state=OrderState.CANCELLED, cancellation_charged_pence__gt=0)
    ready = Q(state=OrderState.CONFIRMED, offer__product__in=paying, offer__start_at__lt=now) & ~Exists(called)
    return Order.objects.filter(charged | ready, statements__isnull=True).select_related("offer__site").order_by("pk")
