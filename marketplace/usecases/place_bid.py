"""Bid on a tender with a drafted, certified offer: sealed until the tender closes."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from marketplace import enqueue, events, notify
from marketplace.models import Bid, Offer, Tender, User, role_of
from marketplace.rules.back_test import check_back_test
from marketplace.rules.errors import MarketError
from marketplace.rules.product_terms import product_on
from marketplace.rules.roles import Action, require
from marketplace.rules.tender_terms import Asked, Need, check_bid


def place_bid(
    *,
    tender: Tender,
    offer: Offer,
    user: User | None,
    kw: Decimal,
    least_kw: Decimal = Decimal(0),
    price_gbp_per_kwh: Decimal | None = None,
    availability_gbp_per_mw_h: Decimal | None = None,
    accept_back_test: bool = False,
    now: datetime,
) -> Bid:
    """Bid `kw`, and no less than `least_kw`, in every half hour of `offer`; prices left out are the offer's.

    Raises MarketError: closed or cancelled tender, another product or zone, a window outside it, more than is proved, a
    price above the ceiling, an offer that is not a certified draft, or a site that has bid for that time already.
    """
    with transaction.atomic():
        tender = Tender.objects.select_for_update(of=("self",)).get(pk=tender.pk)
        offer = Offer.objects.select_for_update(of=("self",)).select_related("site__organisation").get(pk=offer.pk)
        if user is not None:
            require(role_of(user, offer.site.organisation), Action.TRADE)
        price = offer.utilisation_price_gbp_per_kwh if price_gbp_per_kwh is None else price_gbp_per_kwh
        ready = (
            offer.availability_price_gbp_per_mw_h if availability_gbp_per_mw_h is None else availability_gbp_per_mw_h
        )
        check_open(tender)
        check_bid(asked_of(offer, kw, least_kw, price, ready), need_of(tender), gsp_zone=tender.gsp_zone, now=now)
        check_offer(offer)
        check_back_test(offer.back_test, offer.baseline_method, accepted=accept_back_test)
        bid = Bid.objects.create(
            tender=tender,
            offer=offer,
            kw=kw,
            least_kw=least_kw,
            utilisation_price_gbp_per_kwh=price,
            availability_price_gbp_per_mw_h=ready,
            placed_at=now,
        )
        events.append(
            type="bid.placed",
            subject=f"bid:{bid.pk}",
            payload={
                "tender": str(tender.pk),
                "name": tender.name,
                "offer": str(offer.pk),
                "site": offer.site.slug,
                "power_w": int(kw * 1000),
                "least_w": int(least_kw * 1000),
                "price_upgbp_per_mwh": str(int(price * 10**9)),
            },
            organisations=[offer.site.organisation],
            now=now,
        )
        notify.changed(f"tender:{tender.pk}", "offers")
        enqueue.enqueue("marketplace.agents.optimisation.recertify", site_id=offer.site_id)
    return bid


def check_open(tender: Tender) -> None:
    """Raise TENDER_CLOSED unless bids are taken."""
    if tender.state != Tender.State.OPEN:
        raise MarketError(
            "TENDER_CLOSED", f"This tender is {tender.get_state_display().lower()}.", fix="Look for one that is open."
        )


def check_offer(offer: Offer) -> None:
    """Raise MarketError unless the offer is a certified draft whose time its site has not bid already."""
    if offer.state != Offer.State.DRAFT:
        raise MarketError(
            "OFFER_NOT_DRAFT",
            f"This offer is {offer.get_state_display().lower()}; a bid is drawn from a draft.",
            fix="Draft another offer.",
        )
    if not offer.certificate.get("holds"):
        raise MarketError(
            "CERTIFICATE_FAILED", "No schedule was proved to deliver this offer.", fix="Draft the offer again."
        )
    beside = Bid.objects.filter(
        state=Bid.State.OFFERED,
        offer__site=offer.site,
        offer__start_at__lt=offer.end_at,
        offer__end_at__gt=offer.start_at,
    ).first()
    if beside is not None:
        raise MarketError(
            "BID_OVERLAPS",
            f"{offer.site.name} already has a bid of {beside.kw.normalize():f} kW for that time.",
            fix="Withdraw that bid first, or bid with an offer beside it.",
        )


def need_of(tender: Tender) -> Need:
    """The need a stored tender asks."""
    return Need(
        product=product_on(tender.product, tender.start_at),
        direction=tender.direction,
        gsp_group=tender.gsp_group,
        kw={row.start_at: row.needed_kw for row in tender.periods.all()},
        closes_at=tender.closes_at,
        pricing=tender.pricing,
        ceiling=tender.ceiling_gbp_per_kwh,
        ceiling_availability=tender.ceiling_availability_gbp_per_mw_h,
    )


def asked_of(offer: Offer, kw: Decimal, least_kw: Decimal, price: Decimal, ready: Decimal) -> Asked:
    """A bid from an offer, as the rules read it."""
    return Asked(
        kw=kw,
        least_kw=least_kw,
        price=price,
        availability=ready,
        offered_kw=min((row.offered_kw for row in offer.periods.all()), default=Decimal(0)),
        product=offer.product,
        direction=offer.direction,
        gsp_group=offer.site.gsp_group,
        gsp_zone=offer.site.gsp_zone,
        start=offer.start_at,
        end=offer.end_at,
    )
