"""Take an award back that its seller, whose rules wanted a person to decide, turned down or did not decide on in time.

The bid then says why, and the tender's need shows what is unmet after all. Nothing is awarded anew: bids were sealed, and are not any more.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import F

from marketplace import events, notify
from marketplace.models import Bid, Order


def lose_award(*, order: Order, why: str, now: datetime) -> bool:
    """Whether the order was an award, which is then lost. The caller holds the transaction and has ended the order."""
    bid = Bid.objects.select_for_update(of=("self",)).filter(order=order, state=Bid.State.TAKEN).first()
    if bid is None:
        return False
    tender, offer, taken = bid.tender, order.offer, bid.taken_kw
    tender.periods.filter(start_at__gte=offer.start_at, start_at__lt=offer.end_at).update(
        taken_kw=F("taken_kw") - taken
    )
    bid.state, bid.taken_kw, bid.reason = Bid.State.REFUSED, 0, f"It was awarded and lost. {why}"
    bid.save(update_fields=["state", "taken_kw", "reason"])
    events.append(
        type="bid.lost",
        subject=f"bid:{bid.pk}",
        payload={
            "tender": str(tender.pk),
            "name": tender.name,
            "site": offer.site.slug,
            "taken_w": int(taken * 1000),
            "reason": why,
        },
        organisations=[offer.site.organisation, tender.organisation],
        now=now,
    )
    notify.changed("tenders", f"tender:{tender.pk}")
    return True
