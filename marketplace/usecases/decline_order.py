"""Say no to an order that waits for the seller, or let its time run out: its capacity goes back, and the buyer is told why."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from marketplace import events, notify
from marketplace.models import Order, User
from marketplace.rules.errors import MarketError
from marketplace.rules.order_state import OrderEvent, OrderState, next_order_state
from marketplace.usecases.approve_order import check_waits, tell, waiting_order
from marketplace.usecases.lose_award import lose_award
from marketplace.usecases.publish_catalogue import refresh_catalogue
from marketplace.usecases.release_capacity import release_capacity


def decline_order(*, order: Order, user: User | None, reason: str, now: datetime) -> Order:
    """Turn an order that waits down. Raises MarketError when it does not wait, or no reason is given."""
    if not reason.strip():
        raise MarketError("BAD_REASON", "The reason is empty.", fix="Say in one sentence why; the buyer reads it.")
    with transaction.atomic():
        order = waiting_order(order, user)
        check_waits(order)
        give_up(order, OrderEvent.DECLINE, type_="order.declined", why=reason.strip()[:200], now=now)
    return order


def lapse(order: Order, *, now: datetime) -> bool:
    """Let an order expire that nobody decided on in time. Whether it did."""
    with transaction.atomic():
        order = waiting_order(order, None)
        if order.state != OrderState.PENDING or order.approve_by is None or now < order.approve_by:
            return False
        give_up(order, OrderEvent.EXPIRE, type_="order.lapsed", why="The seller did not decide in time.", now=now)
    return True


def give_up(order: Order, event: OrderEvent, *, type_: str, why: str, now: datetime) -> None:
    """End an order that waited: its capacity goes back, and everybody is told why."""
    order.state = next_order_state(OrderState(order.state), event)
    order.refused_because = why
    order.version += 1
    order.save(update_fields=["state", "refused_because", "version"])
    release_capacity(order=order, now=now)
    lose_award(order=order, why=why, now=now)
    organisation = order.offer.site.organisation
    events.append(
        type=type_, subject=f"order:{order.pk}", payload={"why": why}, organisations=[organisation], now=now
    )  # fmt: skip
    refresh_catalogue(organisation=organisation, now=now)
    notify.changed("catalogue", "offers", f"orders:{organisation.slug}", f"order:{order.pk}")
    tell(order)
