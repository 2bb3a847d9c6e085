"""Take what is unsold of an offer off sale. What was ordered from it stays sold."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from marketplace import events, notify
from marketplace.models import Offer, Site, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.roles import Action, require
from marketplace.usecases.prove_capacity import prove_capacity
from marketplace.usecases.publish_catalogue import refresh_catalogue
from marketplace.usecases.withdraw_bid import check_unbid


def withdraw_offer(*, offer: Offer, user: User | None, reason: str, now: datetime) -> Offer:
    """Withdraw a draft, or the unsold part of a published offer. Raises MarketError when nothing of it is on sale.

    Orders that hold a part keep it, with its price, and so do those that wait for approval; quotes of it come to nothing.
    """
    with transaction.atomic():
        offer = Offer.objects.select_for_update(of=("self",)).select_related("site__organisation").get(pk=offer.pk)
        if user is not None:
            require(role_of(user, offer.site.organisation), Action.TRADE)
        check_open(offer)
        check_unbid(offer)
        was_on_sale = offer.state == Offer.State.PUBLISHED
        offer.state = Offer.State.WITHDRAWN
        offer.save(update_fields=["state"])
        periods = list(offer.periods.order_by("start_at"))
        if was_on_sale:
            site = Site.objects.select_for_update(of=("self",)).get(pk=offer.site_id)
            starts = [row.start_at for row in periods]
            prove_capacity(site=site, direction=offer.direction, starts=starts, now=now)
            refresh_catalogue(organisation=offer.site.organisation, now=now)
        events.append(
            type="offer.withdrawn",
            subject=f"offer:{offer.pk}",
            payload={
                "site": offer.site.slug,
                "reason": reason[:200],
                "unsold_w": max((int((row.offered_kw - row.reserved_kw) * 1000) for row in periods), default=0),
                "sold_w": max((int(row.reserved_kw * 1000) for row in periods), default=0),
            },
            organisations=[offer.site.organisation],
            now=now,
        )
        notify.changed("offers", "catalogue", f"site:{offer.site.slug}")
    return offer


def check_open(offer: Offer) -> None:
    """Raise MarketError unless there is something to withdraw."""
    if offer.state == Offer.State.SOLD:
        raise MarketError(
            "OFFER_NOT_OPEN",
            "All of this offer is sold. Only what is unsold can be withdrawn.",
            fix="A sold part comes free when its buyer cancels.",
        )
    if offer.state not in {Offer.State.DRAFT, Offer.State.PUBLISHED}:
        raise MarketError(
            "OFFER_NOT_OPEN", f"This offer is {offer.get_state_display().lower()}.", fix="Nothing is on sale here."
        )
