"""Ask the optimisation agent to draft an offer, for a window or for the best one it finds."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from flex_engine.timegrid import floor_half_hour
from marketplace import enqueue, notify
from marketplace.models import Offer, OfferRequest, Site, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.product_terms import (
    DEFAULT,
    availability_price,
    check_direction,
    check_window,
    product_on,
)
from marketplace.rules.roles import Action, require


def request_offer(
    *,
    site: Site,
    user: User | None,
    start: datetime | None = None,
    end: datetime | None = None,
    product: str = DEFAULT,
    direction: str = Offer.Direction.TURN_DOWN,
    availability_price_gbp_per_mw_h: Decimal | None = None,
    now: datetime,
) -> OfferRequest:
    """Store the wish; the answer (an offer, or why not) appears on it.

    Raises MarketError for half a window or an odd one, or for what the product does not allow.
    """
    if user is not None:
        require(role_of(user, site.organisation), Action.PLAN)
    if (start is None) != (end is None):
        raise MarketError(
            "BAD_WINDOW", "A window needs both a start and an end.", fix="Give both, or neither for the best window."
        )
    if start is not None and end is not None:
        if floor_half_hour(start) != start or floor_half_hour(end) != end or end <= start:
            raise MarketError(
                "BAD_WINDOW",
                f"{start:%H:%M} to {end:%H:%M} is not a window of half hours.",
                fix="Start and end on :00 or :30.",
            )
        if start <= now:
            raise MarketError("BAD_WINDOW", f"{start:%Y-%m-%dT%H:%M}Z is past.", fix="Choose a window ahead.")
    sold_as = product_on(product, start or now)
    check_direction(sold_as, direction)
    availability_price(sold_as, availability_price_gbp_per_mw_h)
    if start is not None and end is not None:
        check_window(sold_as, start, end)
    with transaction.atomic():
        wish = OfferRequest.objects.create(
            site=site,
            start_at=start,
            end_at=end,
            product=product,
            direction=direction,
            availability_price_gbp_per_mw_h=availability_price_gbp_per_mw_h,
            created_at=now,
        )
        enqueue.enqueue("marketplace.agents.optimisation.draft", request_id=wish.pk)
        notify.changed(f"site:{site.slug}")
    return wish
