"""A grid operator's need on the wire: DemandFlexNeed in a catalogue of its own, a half-hourly TimeSeries of power and price.

A need is found and not answered over the network: the terms say by which door bids are taken, and until when.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings

from marketplace.models import Organisation, Tender
from marketplace.rules.errors import MarketError
from marketplace.wire.series import instant, number, time_series

TYPE = "DemandFlexNeed"
CONTEXT = "https://schema.nfh.global/DemandFlexNeed/v2.0/context.jsonld"
OFFER_CONTEXT = "https://schema.nfh.global/DemandFlexBuyOffer/v2.0/context.jsonld"
PREFIX = "need-"


def open_needs(*, now: datetime, of: Organisation | None = None) -> list[Tender]:
    """Tenders that take bids at `now`, by closing time; of one organisation, or of all."""
    rows = Tender.objects.filter(state=Tender.State.OPEN, closes_at__gt=now)
    rows = rows.filter(organisation=of) if of is not None else rows
    return list(rows.select_related("organisation").prefetch_related("periods").order_by("closes_at", "created_at"))


def need_catalogues(*, us: str, url: str, now: datetime) -> list[dict[str, Any]]:
    """The needs of every grid operator here that has one open, one catalogue each."""
    by_buyer: dict[Organisation, list[Tender]] = defaultdict(list)
    for tender in open_needs(now=now):
        by_buyer[tender.organisation].append(tender)
    return [need_catalogue(organisation, tenders, us=us, url=url) for organisation, tenders in by_buyer.items()]


def demand_flex_need(tender: Tender) -> dict[str, Any]:
    """The newest published shape: columns CAPACITY_REQUESTED, PRICE (the ceiling) and SHORTFALL_PENALTY.

    The penalty is each offer's own, so the column holds none.
    """
    rows = sorted(tender.periods.all(), key=lambda row: row.start_at)
    series = time_series(
        tender.start_at,
        {
            "CAPACITY_REQUESTED": [row.needed_kw for row in rows],
            "PRICE": [tender.ceiling_gbp_per_kwh] * len(rows),
            "SHORTFALL_PENALTY": [Decimal(0)] * len(rows),
        },
    )
    return series | {"@type": TYPE, "@context": CONTEXT}


def need_as_text(tender: Tender) -> dict[str, Any]:
    """The same with its numbers as text, for the API: JSON's would be rounded by readers."""
    need = demand_flex_need(tender)
    for interval in need["intervals"]:
        for payload in interval["payloads"]:
            payload["values"] = [str(value) for value in payload["values"]]
    return need


def need_name(tender: Tender) -> str:
    """What the need is called in the catalogue: the buyer's words, what it wants, and where."""
    zone = f"GSP group {tender.gsp_group}" + (f", {tender.gsp_zone}" if tender.gsp_zone else "")
    return f"{tender.name}: {tender.get_direction_display().lower()} wanted in {zone}"


def buy_offer(tender: Tender, *, buyer: str) -> dict[str, Any]:
    """The offer that stands beside the need: DemandFlexBuyOffer, open until bids close, with the seller's role left open."""
    terms: dict[str, Any] = {
        "currency": "GBP",
        "direction": tender.direction,
        "product": tender.product,
        "gridZone": f"GSP:{tender.gsp_zone or tender.gsp_group}",
        "pricing": tender.pricing,
        "closesAt": instant(tender.closes_at),
        "ceilingAvailabilityGbpPerMwH": number(tender.ceiling_availability_gbp_per_mw_h),
        "bids": f"{settings.PUBLIC_URL}/tenders/{tender.pk}",
    }
    return {
        "id": f"{PREFIX}{tender.pk}",
        "descriptor": {"name": need_name(tender)},
        "resourceIds": [f"{PREFIX}{tender.pk}"],
        "validity": {"startDate": instant(tender.created_at), "endDate": instant(tender.closes_at)},
        "offerAttributes": {
            "@context": OFFER_CONTEXT,
            "@type": "DemandFlexBuyOffer",
            "inputs": [
                {"role": "buyer", "participantId": buyer, "inputs": terms},
                {"role": "seller", "participantId": None, "inputs": {}},
            ],
        },
    }


def need_catalogue(organisation: Organisation, tenders: Sequence[Tender], *, us: str, url: str) -> dict[str, Any]:
    """A grid operator's open needs, one resource and one offer each; inactive where there is none.

    `us` is the participant that speaks for it on the network, `url` where that is reached.
    """
    return {
        "id": f"cat-{organisation.slug}",
        "descriptor": {"name": f"Flexibility wanted by {organisation.name}"},
        "bppId": us,
        "bppUri": url,
        "isActive": bool(tenders),
        "provider": {"id": organisation.slug, "descriptor": {"name": organisation.name}},
        "resources": [
            {
                "id": f"{PREFIX}{tender.pk}",
                "descriptor": {"name": need_name(tender)},
                "resourceAttributes": demand_flex_need(tender),
            }
            for tender in tenders
        ],
        "offers": [buy_offer(tender, buyer=us) for tender in tenders],
    }


def refuse_answer(offer_id: str) -> None:
    """Raise NET_NOT_IMPLEMENTED for an answer to a need: a bid rests on a certificate, and no message carries one."""
    if offer_id.startswith(PREFIX):
        raise MarketError(
            "NET_NOT_IMPLEMENTED",
            "This is a need, and bids on it are not taken by messages: each rests on a draft that was proved here.",
            fix="Bid on the page that its terms name, as a site of this installation, until it closes.",
        )
