"""Take an offer off sale. What was ordered from it stays sold."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from marketplace import events, notify
from marketplace.models import Offer, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.roles import Action, require
from marketplace.usecases.publish_catalogue import refresh_catalogue


def withdraw_offer(*, offer: Offer, user: User | None, reason: str, now: datetime) -> Offer:
    """Withdraw a draft or published offer. Raises MarketError when it is already sold, withdrawn or expired."""
    with transaction.atomic():
        offer = Offer.objects.select_for_update(of=("self",)).select_related("site__organisation").get(pk=offer.pk)
        if user is not None:
            require(role_of(user, offer.site.organisation), Action.TRADE)
        if offer.state not in {Offer.State.DRAFT, Offer.State.PUBLISHED}:
            raise MarketError(
                "OFFER_NOT_OPEN", f"This offer is {offer.get_state_display().lower()}.", fix="Nothing is on sale here."
            )
        was_on_sale = offer.state == Offer.State.PUBLISHED
        offer.state = Offer.State.WITHDRAWN
        offer.save(update_fields=["state"])
        if was_on_sale:
            refresh_catalogue(organisation=offer.site.organisation, now=now)
        events.append(
            type="offer.withdrawn",
            subject=f"offer:{offer.pk}",
            payload={"site": offer.site.slug, "reason": reason[:200]},
            organisations=[offer.site.organisation],
            now=now,
        )
        notify.changed("offers", "catalogue", f"site:{offer.site.slug}")
    return offer
