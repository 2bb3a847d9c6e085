"""Quote a buyer's wish against an offer on sale. A quote binds the price for a while and reserves nothing."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction

from marketplace import notify
from marketplace.models import Offer, Order, OrderPeriod
from marketplace.rules.dispatch import check_gate, check_power, check_room
from marketplace.rules.errors import MarketError
from marketplace.rules.order_state import OrderState
from marketplace.rules.product_terms import quote
from marketplace.rules.sale_terms import counter, fee_pence
from marketplace.usecases.hold_capacity import check_place
from marketplace.wire.left import left_of

QUOTE_LIFE = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Prices:
    """What a buyer pays: Decimal GBP per kWh, and per MW and hour."""

    utilisation_gbp_per_kwh: Decimal
    availability_gbp_per_mw_h: Decimal


def offered(offer: Offer) -> Prices:
    """The prices an offer asks."""
    return Prices(offer.utilisation_price_gbp_per_kwh, offer.availability_price_gbp_per_mw_h)


def quote_order(
    *,
    offer_id: str,
    buyer_subscriber_id: str,
    transaction_id: uuid.UUID,
    kw: Decimal,
    periods: Mapping[datetime, Decimal] | None,
    accept_counter: bool = False,
    now: datetime,
) -> Order:
    """Make or renew the DRAFT order of `transaction_id`: `kw` in every settlement period of the offer, or `periods`.

    A buyer who accepts a counter-offer and asks for more than is left is quoted the most that is left.
    Raises MarketError: unknown offer, closed gate, not a power, more than is left, or an order that went past its quote.
    """
    with transaction.atomic():
        offer = offer_on_sale(offer_id)
        check_gate(now=now, gate_closure_at=offer.gate_closure_at)
        unsold = {row.start_at: row.offered_kw - row.reserved_kw for row in offer.periods.order_by("start_at")}
        asked = dict(periods) if periods is not None else dict.fromkeys(unsold, kw)
        check_power(asked)
        if accept_counter:
            asked = counter(asked, left_of([offer])[offer.pk])
        check_room(asked=asked, left=unsold)
        check_place(offer, asked)
        order = Order.objects.select_for_update(of=("self",)).filter(transaction_id=transaction_id).first()
        if order is not None and order.state == OrderState.EXPIRED and order.buyer_subscriber_id == buyer_subscriber_id:
            raise MarketError(
                "BIZ_QUOTE_EXPIRED_OR_CHANGED",
                f"The quote of this transaction expired at {order.quote_expires_at:%Y-%m-%dT%H:%M:%S}Z.",
                fix="Select the offer in a new transaction.",
            )
        if order is not None and (order.state != OrderState.DRAFT or order.buyer_subscriber_id != buyer_subscriber_id):
            raise MarketError(
                "BIZ_ALREADY_CONFIRMED",
                "This transaction is already past its quote.",
                fix="Start a new transaction for another order.",
            )
        order = order or Order(
            transaction_id=transaction_id,
            buyer_subscriber_id=buyer_subscriber_id,
            state=OrderState.DRAFT,
            created_at=now,
        )
        fill(order, offer, asked, offered(offer), now=now)
        notify.changed(f"orders:{offer.site.organisation.slug}", f"order:{order.pk}")
    return order


def offer_on_sale(offer_id: str) -> Offer:
    """The published offer with that id, or MarketError."""
    try:
        offer = Offer.objects.select_related("site__organisation", "plan").filter(pk=offer_id).first()
    except (ValueError, ValidationError):
        offer = None
    if offer is None or offer.state in {Offer.State.DRAFT, Offer.State.WITHDRAWN}:
        raise MarketError("BIZ_OFFER_NOT_FOUND", f"No offer {offer_id} is on sale.", fix="Search the catalogue again.")
    if offer.state != Offer.State.PUBLISHED:
        raise MarketError(
            "BIZ_QUANTITY_UNAVAILABLE",
            f"This offer is {offer.get_state_display().lower()}.",
            fix="Search the catalogue again.",
        )
    return offer


def fill(order: Order, offer: Offer, asked: Mapping[datetime, Decimal], prices: Prices, *, now: datetime) -> None:
    """Write terms, quote and periods of a draft order."""
    order.offer = offer
    order.utilisation_price_gbp_per_kwh = prices.utilisation_gbp_per_kwh
    order.shortfall_penalty_gbp_per_kwh = offer.shortfall_penalty_gbp_per_kwh
    order.availability_price_gbp_per_mw_h = prices.availability_gbp_per_mw_h
    order.quote_pence = quote(
        asked,
        utilisation_gbp_per_kwh=prices.utilisation_gbp_per_kwh,
        availability_gbp_per_mw_h=prices.availability_gbp_per_mw_h,
    ).pence
    order.quote_expires_at = min(now + QUOTE_LIFE, offer.gate_closure_at)
    order.free_cancellation_until = offer.start_at - timedelta(seconds=offer.free_cancellation_s)
    order.cancellation_fee_pence = fee_pence(order.quote_pence, offer.cancellation_fee_percent)
    order.terms_digest = terms_digest(offer, asked, prices)
    order.version += 0 if order._state.adding else 1
    order.save()
    order.periods.all().delete()
    OrderPeriod.objects.bulk_create(
        OrderPeriod(order=order, start_at=start, ordered_kw=power) for start, power in sorted(asked.items())
    )


def terms_digest(offer: Offer, asked: Mapping[datetime, Decimal], prices: Prices | None = None) -> str:
    """SHA-256 over everything the buyer agrees to, so that a changed term is a changed digest."""
    prices = prices or offered(offer)
    terms = {
        "offer": str(offer.pk),
        "product": offer.product,
        "price": f"{prices.utilisation_gbp_per_kwh:.4f}",
        "availability": f"{prices.availability_gbp_per_mw_h:.4f}",
        "penalty": f"{offer.shortfall_penalty_gbp_per_kwh:.4f}",
        "baseline": offer.baseline_method,
        "notice_s": offer.notice_s,
        "free_cancellation_s": offer.free_cancellation_s,
        "cancellation_fee_percent": f"{offer.cancellation_fee_percent:.2f}",
        "periods": {start.isoformat(): f"{power:.3f}" for start, power in sorted(asked.items())},
    }
    return hashlib.sha256(json.dumps(terms, sort_keys=True).encode()).hexdigest()
