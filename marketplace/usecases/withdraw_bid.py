"""Take a bid back while its tender is open; its offer is free again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from marketplace import events, notify
from marketplace.models import Bid, Offer, Tender, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.roles import Action, require


def withdraw_bid(*, bid: Bid, user: User | None, now: datetime) -> Bid:
    """Withdraw; doing it twice changes nothing. Raises MarketError once the tender has closed."""
    with transaction.atomic():
        tender = Tender.objects.select_for_update(of=("self",)).get(pk=bid.tender_id)
        bid = Bid.objects.select_related("offer__site__organisation").get(pk=bid.pk)
        if user is not None:
            require(role_of(user, bid.offer.site.organisation), Action.TRADE)
        if bid.state == Bid.State.WITHDRAWN:
            return bid
        if bid.state != Bid.State.OFFERED or now >= tender.closes_at:
            raise MarketError(
                "TENDER_CLOSED",
                f"The tender closed at {tender.closes_at:%Y-%m-%dT%H:%M}Z, and its bids bind.",
                fix="Wait for the allocation.",
            )
        bid.state = Bid.State.WITHDRAWN
        bid.save(update_fields=["state"])
        events.append(
            type="bid.withdrawn",
            subject=f"bid:{bid.pk}",
            payload={"tender": str(tender.pk), "name": tender.name, "site": bid.offer.site.slug},
            organisations=[bid.offer.site.organisation],
            now=now,
        )
        notify.changed(f"tender:{tender.pk}", "offers")
    return bid


def check_unbid(offer: Offer) -> None:
    """Raise OFFER_IN_BID while the offer stands in a bid: what was bid is not put on sale, or taken away, beside it."""
    standing = Bid.objects.filter(offer=offer, state=Bid.State.OFFERED).select_related("tender").first()
    if standing is not None:
        raise MarketError(
            "OFFER_IN_BID",
            f"This offer stands in a bid on the tender {standing.tender.name}, which closes at "
            f"{standing.tender.closes_at:%Y-%m-%dT%H:%M}Z.",
            fix="Withdraw the bid first, or wait for the allocation.",
        )
