"""Take a bid back while its tender is open; its offer is free again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from marketplace import events, notify
from marketplace.models import Bid, Tender, User, role_of
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
