"""Close the gate: offers past it leave the catalogue, quotes past their life expire, and so do orders nobody decided on."""

from __future__ import annotations

import logging
import uuid
from datetime import datetime

from django.db import transaction

from marketplace import notify
from marketplace.models import Offer, Order, Site
from marketplace.rules.order_state import OrderState
from marketplace.usecases.decline_order import lapse
from marketplace.usecases.prove_capacity import prove_capacity

log = logging.getLogger(__name__)


def expire_offers(*, now: datetime) -> int:
    """Expire every open offer whose gate has closed, every unconfirmed order whose quote has run out, and every order whose
    time for approval is over. A fault in one order does not hold up the rest; the next tick tries it again.
    """
    lapsed = sum(lapsed_in_time(order, now=now) for order in waiting_too_long(now))
    with transaction.atomic():
        due = Offer.objects.filter(state__in=[Offer.State.DRAFT, Offer.State.PUBLISHED], gate_closure_at__lte=now)
        unsold = list(due.filter(state=Offer.State.PUBLISHED).values_list("pk", flat=True))
        closed = due.update(state=Offer.State.EXPIRED)
        for pk in unsold:
            take_off_the_site(pk, now=now)
        lapsed += Order.objects.filter(
            state__in=[OrderState.DRAFT, OrderState.INITIALISED], quote_expires_at__lte=now
        ).update(state=OrderState.EXPIRED)
        if closed or lapsed:
            notify.changed("offers", "catalogue")
    return closed + lapsed


def waiting_too_long(now: datetime) -> list[Order]:
    """Orders whose seller has had the time to decide."""
    return list(Order.objects.filter(state=OrderState.PENDING, approve_by__lte=now).order_by("pk"))


def lapsed_in_time(order: Order, *, now: datetime) -> bool:
    """Let one order lapse; a fault is logged."""
    try:
        return lapse(order, now=now)
    except Exception:
        log.exception("order %s could not expire; the next tick tries again", order.pk)
        return False


def take_off_the_site(pk: uuid.UUID, *, now: datetime) -> None:
    """What the site can deliver without an offer that is off sale; what was sold of it stays deliverable."""
    offer = Offer.objects.get(pk=pk)
    site = Site.objects.select_for_update(of=("self",)).get(pk=offer.site_id)
    starts = list(offer.periods.values_list("start_at", flat=True))
    prove_capacity(site=site, direction=offer.direction, starts=starts, now=now)
