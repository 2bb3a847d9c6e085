"""Clear a tender after its closing: the cheapest allocation, its awards as orders, and a reason for every bid left out.

Finding the allocation holds no lock, since no bid comes or goes after closing. What is awarded is sold the way all is sold,
so that capacity and stacking hold; a bid that cannot be sold is left out with that reason, and the allocation made anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from flex_engine.timegrid import HALF_HOUR
from marketplace import events, notify
from marketplace.models import Bid, Order, Tender, TenderPeriod
from marketplace.rules.allocation import Allocation, BidIn, allocate
from marketplace.rules.clearing import UNIT, clearing_price, why_not
from marketplace.rules.errors import MarketError
from marketplace.usecases.award_bid import award_bid
from marketplace.usecases.publish_catalogue import refresh_catalogue


class AwardRefusedError(Exception):
    """One bid of the allocation cannot be sold: `bid` is its id, the message the market's own sentence."""

    def __init__(self, bid: str, problem: MarketError) -> None:
        super().__init__(str(problem))
        self.bid = bid


@dataclass(frozen=True, slots=True)
class Cleared:
    """An allocation of a tender, over the bids that could be sold."""

    bids: Sequence[BidIn]
    made: Allocation
    price: Decimal | None


def clear_tender(*, tender_id: UUID, now: datetime) -> Tender:
    """Clear an open tender that has closed; any other is left as it is."""
    tender = Tender.objects.select_related("organisation").get(pk=tender_id)
    refused: dict[str, str] = {}
    while tender.state == Tender.State.OPEN and now >= tender.closes_at:
        cleared = allocation_of(tender, besides=refused)
        try:
            return settle(tender, cleared, refused, now=now)
        except AwardRefusedError as problem:
            refused[problem.bid] = f"It could not be sold. {problem}"
    return tender


def allocation_of(tender: Tender, *, besides: Mapping[str, str]) -> Cleared:
    """The cheapest allocation of the bids that stand, without those of `besides`."""
    bids = [
        bid_in(bid, tender)
        for bid in tender.bids.filter(state=Bid.State.OFFERED).exclude(pk__in=besides).select_related("offer")
    ]
    needed = [watts(row.needed_kw) for row in tender.periods.order_by("start_at")]
    made = allocate(
        needed,
        bids,
        ceiling=int(tender.ceiling_gbp_per_kwh * UNIT),
        ceiling_availability=int(tender.ceiling_availability_gbp_per_mw_h * UNIT),
    )
    return Cleared(bids, made, clearing_price(bids, made, tender.pricing))


def bid_in(bid: Bid, tender: Tender) -> BidIn:
    """A stored bid in whole watts and units of price, on the half hours of the tender."""
    return BidIn(
        id=str(bid.pk),
        received=bid.placed_at,
        first=int((bid.offer.start_at - tender.start_at) / HALF_HOUR),
        last=int((bid.offer.end_at - tender.start_at) / HALF_HOUR),
        least_w=watts(bid.least_kw),
        most_w=watts(bid.kw),
        price=int(bid.utilisation_price_gbp_per_kwh * UNIT),
        availability=int(bid.availability_price_gbp_per_mw_h * UNIT),
    )


def watts(kw: Decimal) -> int:
    """Whole watts; power is stored to the watt."""
    return int(kw * 1000)


def settle(tender: Tender, cleared: Cleared, refused: Mapping[str, str], *, now: datetime) -> Tender:
    """Award, refuse and close in one transaction. Raises AwardRefusedError, with nothing done."""
    with transaction.atomic():
        tender = Tender.objects.select_for_update(of=("self",)).select_related("organisation").get(pk=tender.pk)
        if tender.state != Tender.State.OPEN:
            return tender
        standing = list(
            tender.bids.filter(state=Bid.State.OFFERED)
            .select_related("offer__site__organisation")
            .order_by("placed_at", "pk")
        )
        inputs = {bid.id: bid for bid in cleared.bids}
        for bid in standing:
            taken_w = cleared.made.taken_w.get(str(bid.pk), 0)
            if taken_w:
                take(bid, taken_w, cleared.price, now=now)
            else:
                found = inputs.get(str(bid.pk))
                reason = why_not(found, cleared.bids, cleared.made) if found else refused[str(bid.pk)]
                refuse(bid, reason, now=now)
        close(tender, cleared, now=now)
        refresh_catalogue(organisation=tender.organisation, now=now)
    return tender


def take(bid: Bid, taken_w: int, price: Decimal | None, *, now: datetime) -> Order:
    """Sell what was taken of a bid. Raises AwardRefusedError."""
    kw = Decimal(taken_w) / 1000
    paid = bid.utilisation_price_gbp_per_kwh if price is None else price
    bid.state, bid.taken_kw = Bid.State.TAKEN, kw
    bid.save(update_fields=["state", "taken_kw"])
    try:
        order = award_bid(bid=bid, kw=kw, price_gbp_per_kwh=paid, now=now)
    except MarketError as problem:
        raise AwardRefusedError(str(bid.pk), problem) from problem
    bid.order = order
    bid.save(update_fields=["order"])
    tell(bid, "bid.taken", {"taken_w": taken_w, "price_upgbp_per_mwh": str(int(paid * 10**9))}, now=now)
    return order


def refuse(bid: Bid, reason: str, *, now: datetime) -> None:
    """Leave a bid out, and say why."""
    bid.state, bid.reason = Bid.State.REFUSED, reason
    bid.save(update_fields=["state", "reason"])
    tell(bid, "bid.refused", {"reason": reason}, now=now)


def tell(bid: Bid, kind: str, more: Mapping[str, object], *, now: datetime) -> None:
    """The event of a bid's end, for its seller and the tender's buyer."""
    events.append(
        type=kind,
        subject=f"bid:{bid.pk}",
        payload={"tender": str(bid.tender_id), "name": bid.tender.name, "site": bid.offer.site.slug, **more},
        organisations=[bid.offer.site.organisation, bid.tender.organisation],
        now=now,
    )


def close(tender: Tender, cleared: Cleared, *, now: datetime) -> None:
    """Keep what came out of it."""
    made = cleared.made
    rows = list(tender.periods.order_by("start_at"))
    for slot, row in enumerate(rows):
        taken = sum(made.taken_w.get(bid.id, 0) for bid in cleared.bids if bid.first <= slot < bid.last)
        row.taken_kw = Decimal(taken) / 1000
    TenderPeriod.objects.bulk_update(rows, ["taken_kw"])
    tender.state = Tender.State.CLEARED if made.taken_w else Tender.State.EMPTY
    tender.closed_at, tender.clearing_price_gbp_per_kwh = now, cleared.price
    tender.clearing = {
        "proved": made.proved,
        "nodes": made.nodes,
        "cost_units": str(made.cost),
        "bound_units": str(made.bound),
        "unmet_w": list(made.unmet_w),
    }
    tender.save(update_fields=["state", "closed_at", "clearing_price_gbp_per_kwh", "clearing"])
    events.append(
        type="tender.cleared",
        subject=f"tender:{tender.pk}",
        payload={
            "name": tender.name,
            "bids": len(cleared.bids),
            "taken": len(made.taken_w),
            "proved": "yes" if made.proved else "no",
            "unmet_w": max(made.unmet_w, default=0),
            "periods": [
                {"start": row.start_at.isoformat(), "needed_w": watts(row.needed_kw), "taken_w": watts(row.taken_kw)}
                for row in rows
            ],
        },
        organisations=[tender.organisation],
        now=now,
    )
    notify.changed("tenders", f"tender:{tender.pk}", "offers", f"orders:{tender.organisation.slug}")
