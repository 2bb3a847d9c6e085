"""What of an offer can still be ordered: its own unsold power, within what the site's stacking ledger leaves for its service."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.db.models import prefetch_related_objects

from marketplace.models import Offer, OfferPeriod, StackingRow
from marketplace.rules.stacking import Form, Row, Wish, at_each, day_of, most, service_of


def left_of(offers: Sequence[Offer]) -> dict[object, dict[datetime, Decimal]]:
    """kW by offer id and start of half hour, never below zero, in three queries however many offers there are."""
    prefetch_related_objects(list(offers), "periods__capacity")
    rows = rows_by_site(offers)
    return {offer.pk: left_of_one(offer, rows.get(offer.site_id, ())) for offer in offers}


def rows_by_site(offers: Sequence[Offer]) -> dict[int, list[Row]]:
    """The held rows of the stacking ledger that overlap the time these offers are about."""
    if not offers:
        return {}
    held = StackingRow.objects.filter(
        state=StackingRow.State.HELD,
        site__in={offer.site_id for offer in offers},
        start_at__lt=max(offer.end_at for offer in offers),
        end_at__gt=min(offer.start_at for offer in offers),
    )
    found: dict[int, list[Row]] = defaultdict(list)
    for row in held.order_by("pk"):
        found[row.site_id].append(ledger_row(row))
    return found


def ledger_row(row: StackingRow) -> Row:
    """A stored row as the rules know it."""
    return Row(
        key=row.pk,
        start=row.start_at,
        end=row.end_at,
        kw=row.kw,
        service=row.service,
        direction=row.direction,
        form=Form(row.form),
        beside=row.beside_id,
    )


def left_of_one(offer: Offer, rows: Sequence[Row]) -> dict[datetime, Decimal]:
    """kW by start of half hour, in order of time."""
    periods = {row.start_at: row for row in offer.periods.all()}
    wish = Wish({}, service_of(offer.product, day_of(offer.start_at)), offer.direction)
    return {start: max(Decimal(0), least_of(periods[start], wish, active)) for start, active in at_each(rows, periods)}


def least_of(period: OfferPeriod, wish: Wish, active: Sequence[Row]) -> Decimal:
    """What is left of the offer, or of the site if that is less. A site whose row is not there yet has sold nothing then."""
    own = period.offered_kw - period.reserved_kw
    if period.capacity is None and not active:
        return own
    room = period.capacity.left_kw if period.capacity else Decimal(0)
    return min(own, most(wish, period.start_at, active, room))


def hosts_at(site_id: int, starts: Collection[datetime]) -> dict[tuple[uuid.UUID, datetime], uuid.UUID]:
    """Whose power an order shares: host order by (guest order, half hour), for every co-delivery that a site holds then."""
    if not starts:
        return {}
    rows = StackingRow.objects.filter(
        state=StackingRow.State.HELD, form=Form.CO_DELIVERY.value, site=site_id, start_at__lte=max(starts)
    ).select_related("beside")
    return {
        (row.order_id, start): row.beside.order_id
        for row in rows.filter(end_at__gt=min(starts))
        for start in starts
        if row.beside is not None and row.start_at <= start < row.end_at
    }


def needed(
    kw_by_order: Mapping[uuid.UUID, Decimal], start: datetime, hosts: Mapping[tuple[uuid.UUID, datetime], uuid.UUID]
) -> Decimal:
    """The power that instructions of one half hour need together: what is co-delivered is needed once."""
    own: dict[uuid.UUID, Decimal] = defaultdict(Decimal)
    shared: dict[uuid.UUID, Decimal] = defaultdict(Decimal)
    for order, kw in kw_by_order.items():
        host = hosts.get((order, start))
        (own if host is None else shared)[host or order] += kw
    return sum((max(own[order], shared[order]) for order in {*own, *shared}), Decimal(0))
