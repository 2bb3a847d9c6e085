"""Sell what a tender took of a bid: its offer goes on sale with that much and is ordered at once, the way all is ordered."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal

from django.conf import settings

from beckn import outbox
from marketplace import notify
from marketplace.models import Bid, Offer, Order, Purchase, Tender
from marketplace.rules.errors import MarketError
from marketplace.usecases.confirm_order import confirm_order
from marketplace.usecases.initialise_order import initialise_order
from marketplace.usecases.publish_offer import publish_offer
from marketplace.usecases.quote_order import quote_order
from marketplace.wire.catalogue import resource_id
from marketplace.wire.contract import order_contract


def award_bid(*, bid: Bid, kw: Decimal, price_gbp_per_kwh: Decimal, now: datetime) -> Order:
    """The order of `kw` in every half hour of the bid's offer, and the buyer's record of it. The caller holds a transaction.

    Raises MarketError where it cannot be sold: gate closed, offer no longer a draft, or the site's time sold meanwhile.
    """
    offer = Offer.objects.select_for_update(of=("self",)).get(pk=bid.offer_id)
    if offer.state != Offer.State.DRAFT:
        raise MarketError(
            "OFFER_NOT_DRAFT",
            f"Its offer is {offer.get_state_display().lower()} since it was bid.",
            fix="Leave the offer of a bid alone until its tender is cleared.",
        )
    become(offer, bid, kw, price_gbp_per_kwh)
    publish_offer(offer=offer, user=None, accept_back_test=True, now=now)  # who bid has accepted it
    buyer = settings.BECKN_PARTICIPANTS["bap"]["subscriber_id"]
    transaction_id = uuid.uuid4()
    order = quote_order(
        offer_id=str(offer.pk),
        buyer_subscriber_id=buyer,
        transaction_id=transaction_id,
        kw=kw,
        periods=None,
        now=now,
    )
    initialise_order(transaction_id=transaction_id, buyer_subscriber_id=buyer, now=now)
    order = confirm_order(
        transaction_id=transaction_id, buyer_subscriber_id=buyer, agreed_pence=order.quote_pence, now=now
    )
    record_purchase(bid, order, now=now)
    return order


def become(offer: Offer, bid: Bid, kw: Decimal, price_gbp_per_kwh: Decimal) -> None:
    """Make the draft what was awarded: that much power, at that price. What was not taken is not put on sale."""
    offer.periods.update(offered_kw=kw)
    offer.utilisation_price_gbp_per_kwh = price_gbp_per_kwh
    offer.availability_price_gbp_per_mw_h = bid.availability_price_gbp_per_mw_h
    why = f"{'cleared' if bid.tender.pricing == Tender.Pricing.AS_CLEAR else 'bid'} in the tender {bid.tender.name}"
    awarded = {"item": "Price awarded", "value": f"{price_gbp_per_kwh:f}", "unit": "GBP/kWh", "why": why}
    offer.price_arithmetic = [*offer.price_arithmetic, awarded]
    offer.save(update_fields=["utilisation_price_gbp_per_kwh", "availability_price_gbp_per_mw_h", "price_arithmetic"])


def record_purchase(bid: Bid, order: Order, *, now: datetime) -> None:
    """The buyer's side of the order: it waits for the seller's confirmation, which is on its way."""
    offer, seller = order.offer, settings.BECKN_PARTICIPANTS["bpp"]["subscriber_id"]
    purchase = Purchase.objects.create(
        organisation=bid.tender.organisation,
        transaction_id=order.transaction_id,
        seller_subscriber_id=seller,
        offer_id=str(offer.pk),
        resource_id=f"{resource_id(offer.site)}-{str(offer.pk)[:8]}",
        offer_name=f"{bid.tender.name}: {offer.site.name}"[:200],
        direction=offer.direction,
        state=Purchase.State.CONFIRMING,
        contract_id=str(order.pk),
        requested_kw=max(row.ordered_kw for row in order.periods.all()),
        start_at=offer.start_at,
        end_at=offer.end_at,
        quote_pence=order.quote_pence,
        created_at=now,
        updated_at=now,
    )
    outbox.send(
        role="bpp",
        action="on_confirm",
        message={"contract": order_contract(order, seller=seller)},
        to=order.buyer_subscriber_id,
        transaction_id=order.transaction_id,
    )
    notify.changed(f"purchase:{purchase.pk}", f"orders:{bid.tender.organisation.slug}")
