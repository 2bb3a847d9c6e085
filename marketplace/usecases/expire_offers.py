"""Close the gate: offers past it leave the catalogue, quotes past their life expire."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from marketplace import notify
from marketplace.models import Offer, Order
from marketplace.rules.order_state import OrderState


def expire_offers(*, now: datetime) -> int:
    """Expire every open offer whose gate has closed and every unconfirmed order whose quote has run out."""
    with transaction.atomic():
        closed = Offer.objects.filter(
            state__in=[Offer.State.DRAFT, Offer.State.PUBLISHED], gate_closure_at__lte=now
        ).update(state=Offer.State.EXPIRED)
        lapsed = Order.objects.filter(
            state__in=[OrderState.DRAFT, OrderState.INITIALISED], quote_expires_at__lte=now
        ).update(state=OrderState.EXPIRED)
        if closed or lapsed:
            notify.changed("offers", "catalogue")
    return closed + lapsed
