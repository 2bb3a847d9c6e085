"""Work out anew what a site can deliver in some settlement periods, from every offer that is on sale or sold there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from decimal import Decimal

from django.db.models import Q, QuerySet

from marketplace.models import Offer, OfferPeriod, Site, SiteCapacity
from marketplace.rules.capacity import Proof, deliverable_kw
from marketplace.usecases.activate_order import declared

ON_SALE = (Offer.State.PUBLISHED, Offer.State.SOLD)


def prove_capacity(*, site: Site, direction: str, starts: Collection[datetime], now: datetime) -> list[SiteCapacity]:  # noqa: ARG001 - a use case's signature
    """The site's rows of these periods, made where they are missing, each with what the offers alive now prove together.

    What is already reserved stays deliverable: it was sold under a certificate. Rows come locked, in order of time; the
    caller holds a transaction, and the site's row if offers may come or go meanwhile.
    """
    SiteCapacity.objects.bulk_create(
        (SiteCapacity(site=site, start_at=start, direction=direction, deliverable_kw=0) for start in sorted(starts)),
        ignore_conflicts=True,
    )
    rows = locked(site, direction, starts)
    proofs = proofs_of(site, direction, starts)
    for row in rows:
        proved = max(row.reserved_kw, deliverable_kw(proofs.get(row.start_at, ()), direction))
        if proved != row.deliverable_kw:
            row.deliverable_kw = proved
            row.save(update_fields=["deliverable_kw"])
        offered_at(site, direction).filter(start_at=row.start_at, capacity=None).update(capacity=row)
    return rows


def locked(site: Site, direction: str, starts: Collection[datetime]) -> list[SiteCapacity]:
    """The rows there are, locked in order of time: what is scarce is the site's power."""
    rows = SiteCapacity.objects.select_for_update(of=("self",)).filter(
        site=site, direction=direction, start_at__in=starts
    )
    return list(rows.order_by("start_at"))


def offered_at(site: Site, direction: str) -> QuerySet[OfferPeriod]:
    """Every settlement period of the site's offers in this direction."""
    return OfferPeriod.objects.filter(offer__site=site, offer__direction=direction)


def proofs_of(site: Site, direction: str, starts: Collection[datetime]) -> dict[datetime, list[Proof]]:
    """What the certificates of offers on sale, or owed in part, say of each period."""
    alive = offered_at(site, direction).filter(start_at__in=starts)
    alive = alive.filter(Q(offer__state__in=ON_SALE) | Q(reserved_kw__gt=0)).select_related("offer__plan")
    found: dict[datetime, list[OfferPeriod]] = defaultdict(list)
    for row in alive:
        found[row.start_at].append(row)
    return {start: proofs(rows) for start, rows in found.items()}


def proofs(rows: Iterable[OfferPeriod]) -> list[Proof]:
    """One proof a row. A single one needs no reference to be compared with another's."""
    rows = list(rows)
    if len(rows) == 1:
        return [Proof(Decimal(0), rows[0].offered_kw)]
    return [Proof(declared(row.offer, row.start_at), row.offered_kw) for row in rows]
