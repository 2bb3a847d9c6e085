"""Offers on sale as Beckn catalogues: one catalogue a provider (site's organisation), one resource a site."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from beckn.wire import types
from marketplace.models import Offer, Organisation, Site
from marketplace.rules.product_terms import product_on
from marketplace.wire.left import left_of
from marketplace.wire.series import instant, number, time_series

SCHEMA = types.BASE


def duration(seconds: int) -> str:
    """Whole seconds as an ISO 8601 duration.

    >>> duration(900), duration(5400)
    ('PT15M', 'PT1H30M')
    """
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    text = f"{hours}H" * bool(hours) + f"{minutes}M" * bool(minutes) + f"{left}S" * bool(left)
    return f"PT{text or '0S'}"


def resource_id(site: Site) -> str:
    """The catalogue's id for a site's flexibility."""
    return f"flex-{site.slug}"


def offer_attributes(offer: Offer, *, seller: str, buyer: str | None = None) -> dict[str, Any]:
    """ComputeFlexSellOffer: the seller's terms and prices per half hour, with the buyer's role left open."""
    slots = len(offer.periods.all())
    price = time_series(
        offer.start_at,
        {
            "PRICE": [offer.utilisation_price_gbp_per_kwh] * slots,
            "SHORTFALL_PENALTY": [offer.shortfall_penalty_gbp_per_kwh] * slots,
        },
    )
    terms = {
        "currency": "GBP",
        "product": product_terms(offer),
        "baselineMethodology": {"method": offer.baseline_method},
        "participatingMeters": [f"msid-{offer.site.msid}"],
        "price": price,
        "cancellation": {
            "freeUntil": instant(offer.start_at - timedelta(seconds=offer.free_cancellation_s)),
            "feePercent": number(offer.cancellation_fee_percent),
        },
    }
    return {
        "@context": f"{SCHEMA}/ComputeFlexSellOffer/v1.0/context.jsonld",
        "@type": "ComputeFlexSellOffer",
        "inputs": [
            {"role": "seller", "participantId": seller, "inputs": terms},
            {"role": "buyer", "participantId": buyer, "inputs": {}},
        ],
    }


def product_terms(offer: Offer) -> dict[str, Any]:
    """What the offer is sold as: the product's key and name, its basis, how it is called, and its availability price."""
    sold_as = product_on(offer.product, offer.start_at)
    terms = {
        "key": sold_as.key,
        "name": sold_as.name,
        "regulatoryBasis": sold_as.regulatory_basis,
        "dispatch": sold_as.dispatch,
        "pays": sold_as.pays,
        "direction": offer.direction,
    }
    if not sold_as.pays_availability:
        return terms
    return terms | {"availabilityPriceGbpPerMwH": number(offer.availability_price_gbp_per_mw_h)}


def resource_attributes(offer: Offer, left: list[Decimal]) -> dict[str, Any]:
    """ComputeFlexResource: what the site can do in the offer's window; `left` is what can be ordered, by half hour."""
    site = offer.site
    carbon = carbon_column(offer)
    columns = {"CAPACITY_AVAILABLE": left} | ({"CARBON_INTENSITY": carbon} if carbon else {})
    return {
        "@context": f"{SCHEMA}/ComputeFlexResource/v1.0/context.jsonld",
        "@type": "ComputeFlexResource",
        "direction": offer.direction,
        "capacityType": "SHIFT",
        "maxCapacityKw": number(min(left)),
        "noticePeriod": duration(offer.notice_s),
        "rampTime": duration(product_on(offer.product, offer.start_at).ramp_s),
        "maxDuration": duration(int((offer.end_at - offer.start_at).total_seconds())),
        "maxEventsPerDay": offer.max_events_per_day,
        "location": {"geo": {"type": "Point", "coordinates": [site.longitude, site.latitude]}},
        "gridZone": f"GSP:{site.gsp_zone or site.gsp_group}",
        "availability": time_series(offer.start_at, columns),
    } | ({"licenceArea": site.licence_area} if site.licence_area else {})


def carbon_column(offer: Offer) -> list[Decimal]:
    """Forecast carbon intensity over the window, from the plan the offer rests on; empty when it does not cover it."""
    plan = offer.plan
    first = int((offer.start_at - plan.start_at).total_seconds() // 1800)
    slots = len(offer.periods.all())
    values = plan.carbon_g_per_kwh[first : first + slots] if first >= 0 else []
    return [Decimal(str(round(value, 1))) for value in values] if len(values) == slots else []


def catalogue_head(organisation: Organisation, *, seller: str, bpp_url: str) -> dict[str, Any]:
    """An organisation's catalogue before anything is put into it."""
    return {
        "id": f"cat-{organisation.slug}",
        "descriptor": {"name": f"Compute flexibility of {organisation.name}"},
        "bppId": seller,
        "bppUri": bpp_url,
        "isActive": True,
        "provider": {"id": organisation.slug, "descriptor": {"name": organisation.name}},
        "resources": [],
        "offers": [],
    }


def catalogues(offers: Iterable[Offer], *, seller: str, bpp_url: str, now: datetime) -> list[dict[str, Any]]:
    """Catalogues of everything with room left whose gate is open at `now`, one per organisation."""
    by_provider: dict[int, dict[str, Any]] = {}
    given = [offer for offer in offers if offer.gate_closure_at > now]
    left_by_offer = left_of(given)
    for offer in given:
        left = list(left_by_offer[offer.pk].values())
        if min(left, default=Decimal(0)) <= 0:
            continue
        organisation = offer.site.organisation
        catalogue = by_provider.setdefault(
            organisation.pk, catalogue_head(organisation, seller=seller, bpp_url=bpp_url)
        )
        # One resource an offer: its availability is that of the offer's window.
        resource = f"{resource_id(offer.site)}-{str(offer.pk)[:8]}"
        catalogue["resources"].append(
            {
                "id": resource,
                "descriptor": {"name": f"{offer.site.name} {offer.get_direction_display().lower()}"},
                "resourceAttributes": resource_attributes(offer, left),
            }
        )
        catalogue["offers"].append(
            {
                "id": str(offer.pk),
                "descriptor": {
                    "name": f"{offer.site.name}, {offer.get_direction_display().lower()} from {instant(offer.start_at)}"
                },
                "resourceIds": [resource],
                "validity": {
                    "startDate": instant(offer.published_at or now),
                    "endDate": instant(offer.gate_closure_at),
                },
                "offerAttributes": offer_attributes(offer, seller=seller),
            }
        )
    return list(by_provider.values())
