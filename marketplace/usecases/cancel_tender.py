"""Cancel a tender before it is cleared: its bids stand no longer, and their offers are free again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from marketplace import events, notify
from marketplace.models import Bid, Tender, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.roles import Action, require
from marketplace.usecases.publish_catalogue import refresh_catalogue


def cancel_tender(*, tender: Tender, user: User | None, reason: str, now: datetime) -> Tender:
    """Cancel with a reason; cancelling twice changes nothing. Raises MarketError once it is cleared."""
    with transaction.atomic():
        tender = Tender.objects.select_for_update(of=("self",)).select_related("organisation").get(pk=tender.pk)
        if user is not None:
            require(role_of(user, tender.organisation), Action.BUY)
        if tender.state == Tender.State.CANCELLED:
            return tender
        if tender.state != Tender.State.OPEN:
            raise MarketError(
                "TENDER_CLOSED",
                f"This tender is {tender.get_state_display().lower()}.",
                fix="Cancel its orders instead.",
            )
        if not reason.strip():
            raise MarketError("BAD_REASON", "No reason is given.", fix="Say in a sentence why; bidders read it.")
        tender.state, tender.closed_at, tender.cancel_reason = Tender.State.CANCELLED, now, reason.strip()[:200]
        tender.save(update_fields=["state", "closed_at", "cancel_reason"])
        Bid.objects.filter(tender=tender, state=Bid.State.OFFERED).update(
            state=Bid.State.REFUSED, reason=f"The tender was cancelled: {tender.cancel_reason}"
        )
        bidders = {bid.offer.site.organisation for bid in tender.bids.select_related("offer__site__organisation")}
        events.append(
            type="tender.cancelled",
            subject=f"tender:{tender.pk}",
            payload={"name": tender.name, "reason": tender.cancel_reason},
            organisations=[tender.organisation, *bidders],
            now=now,
        )
        refresh_catalogue(organisation=tender.organisation, now=now)
        notify.changed("tenders", f"tender:{tender.pk}", "offers")
    return tender
