"""Publish a grid operator's need: sites of its zone may bid on it until it closes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from marketplace import events, notify
from marketplace.models import Organisation, Tender, TenderPeriod, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.product_terms import product_on
from marketplace.rules.roles import Action, require
from marketplace.rules.tender_terms import Need, check_need
from marketplace.usecases.publish_catalogue import refresh_catalogue


def publish_tender(
    *,
    organisation: Organisation,
    user: User | None,
    name: str,
    product: str,
    direction: str,
    gsp_group: str,
    gsp_zone: str = "",
    kw: Mapping[datetime, Decimal],
    closes_at: datetime,
    pricing: str,
    ceiling_gbp_per_kwh: Decimal,
    ceiling_availability_gbp_per_mw_h: Decimal = Decimal(0),
    now: datetime,
) -> Tender:
    """Open a tender for `kw` by half hour. Raises MarketError naming what of it cannot be asked."""
    if user is not None:
        require(role_of(user, organisation), Action.BUY)
    if not name.strip():
        raise MarketError("BAD_NAME", "The tender has no name.", fix="Say in a few words what it is for.")
    need = Need(
        product=product_on(product, min(kw)),
        direction=direction,
        gsp_group=gsp_group,
        kw=kw,
        closes_at=closes_at,
        pricing=pricing,
        ceiling=ceiling_gbp_per_kwh,
        ceiling_availability=ceiling_availability_gbp_per_mw_h,
    )
    check_need(need, now=now)
    with transaction.atomic():
        tender = Tender.objects.create(
            organisation=organisation,
            name=name.strip()[:120],
            product=product,
            direction=direction,
            gsp_group=gsp_group,
            gsp_zone=gsp_zone.strip(),
            start_at=need.start,
            end_at=need.end,
            closes_at=closes_at,
            pricing=pricing,
            ceiling_gbp_per_kwh=need.ceiling,
            ceiling_availability_gbp_per_mw_h=need.ceiling_availability,
            created_at=now,
        )
        TenderPeriod.objects.bulk_create(
            TenderPeriod(tender=tender, start_at=start, needed_kw=one) for start, one in sorted(kw.items())
        )
        events.append(
            type="tender.published",
            subject=f"tender:{tender.pk}",
            payload={
                "name": tender.name,
                "product": product,
                "direction": direction,
                "zone": f"{gsp_group} {tender.gsp_zone}".strip(),
                "closes_at": closes_at.isoformat(),
                "pricing": pricing,
                "ceiling_upgbp_per_mwh": str(int(need.ceiling * 10**9)),
                "periods": [
                    {"start": start.isoformat(), "power_w": int(one * 1000)} for start, one in sorted(kw.items())
                ],
            },
            organisations=[organisation],
            now=now,
        )
        refresh_catalogue(organisation=organisation, now=now)
        notify.changed("tenders", f"tender:{tender.pk}")
    return tender
