"""Write the contract document of an order: canonical bytes and their hash, and another version where the terms have changed."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.conf import settings
from django.db import transaction

from flex_engine.settle.performance import performance_table
from flex_engine.timegrid import settlement_period
from marketplace import events
from marketplace.ledger.leaf import canonical
from marketplace.models import ContractDocument, Order
from marketplace.rules.contract_document import Terms, contract_document
from marketplace.rules.product_terms import product_on
from marketplace.wire import policy


def write_document(*, order: Order, now: datetime) -> ContractDocument:
    """The document of the order's terms as they stand; the newest one again where they have not changed.

    The first is named by the event of its order's confirmation, each later one by its own. The caller has locked the order.
    """
    body = canonical(contract_document(terms_of(order)))
    digest = hashlib.sha256(body).hexdigest()
    with transaction.atomic():
        newest = ContractDocument.objects.filter(order=order).order_by("-version").first()
        if newest is not None and newest.sha256 == digest:
            return newest
        made = ContractDocument.objects.create(
            order=order, version=newest.version + 1 if newest else 1, body=body, sha256=digest, created_at=now
        )
        if newest is not None:
            events.append(
                type="document.revised",
                subject=f"order:{order.pk}",
                payload={"version": made.version, "sha256": digest, "supersedes_sha256": newest.sha256},
                organisations=[order.offer.site.organisation],
                now=now,
            )
    return made


def terms_of(order: Order) -> Terms:
    """What the order agrees, from its rows and the product's row of the day."""
    offer, site = order.offer, order.offer.site
    sold_as = product_on(offer.product, offer.start_at)
    day, _ = settlement_period(offer.start_at)
    availability = sold_as.availability_table
    return Terms(
        order=str(order.pk),
        buyer=order.buyer_subscriber_id,
        seller=settings.BECKN_PARTICIPANTS["bpp"]["subscriber_id"],
        operator=site.organisation.name,
        site=site.name,
        metering_point=site.msid,
        zone=site.gsp_zone or site.gsp_group,
        direction=offer.direction,
        product=sold_as,
        utilisation_table=performance_table(sold_as.performance_table, day=day),
        availability_table=performance_table(availability, day=day) if availability else None,
        required={row.start_at: row.ordered_kw for row in order.periods.all()},
        utilisation_gbp_per_kwh=order.utilisation_price_gbp_per_kwh,
        availability_gbp_per_mw_h=order.availability_price_gbp_per_mw_h,
        shortfall_gbp_per_kwh=order.shortfall_penalty_gbp_per_kwh,
        quote_pence=order.quote_pence,
        baseline_method=offer.baseline_method,
        notice_s=offer.notice_s,
        gate_closure_at=offer.gate_closure_at,
        max_events_per_day=offer.max_events_per_day,
        free_cancellation_until=order.free_cancellation_until,
        cancellation_fee_pence=order.cancellation_fee_pence,
        policy_url=policy.URL,
        terms_sha256=order.terms_digest,
    )
