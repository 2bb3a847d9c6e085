"""Work out a wish for an offer: an offer in draft, or the reason why there is none."""

from __future__ import annotations

from datetime import datetime

from marketplace import notify
from marketplace.models import OfferRequest
from marketplace.rules.errors import MarketError
from marketplace.usecases.draft_offer import draft_offer


def answer_offer_request(*, request_id: int, now: datetime) -> OfferRequest:
    """Answer once; an answered request is left as it is."""
    wish = OfferRequest.objects.select_related("site__organisation").get(pk=request_id)
    if wish.state != OfferRequest.State.PENDING:
        return wish
    try:
        draft_offer(
            site=wish.site,
            start=wish.start_at,
            end=wish.end_at,
            product=wish.product,
            direction=wish.direction,
            asked_availability=wish.availability_price_gbp_per_mw_h,
            wish=wish,
            now=now,
        )
    except MarketError as problem:
        wish.state, wish.problem, wish.answered_at = OfferRequest.State.REFUSED, str(problem), now
        wish.save(update_fields=["state", "problem", "answered_at"])
    notify.changed(f"site:{wish.site.slug}", "offers")
    return wish
