"""List what a site may still be asked for: what is sold and not called yet, what is on sale, and what it has bid."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Exists, OuterRef, Q, QuerySet

from flex_engine.optimise.problem import Commitment
from flex_engine.timegrid import floor_half_hour
from marketplace.models import Bid, Offer, OfferPeriod, Order, Site
from marketplace.rules.order_state import OrderState
from marketplace.rules.product_terms import product_on
from marketplace.usecases.activate_order import declared

OPEN = (Offer.State.PUBLISHED, Offer.State.DRAFT)  # of drafts only those that stand in a bid are listed at all
OWED = (OrderState.PENDING, OrderState.CONFIRMED, OrderState.ACTIVE)


@dataclass(frozen=True, slots=True)
class Promises:
    """What the site draws at most, or at least, by half hour: if all that is sold is called, and if all of an offer is.

    `on_sale` holds what is bid too: its tender may take it at any moment.

    `offers` names every offer that had a part in it.
    """

    sold: tuple[Commitment, ...]
    on_sale: Mapping[uuid.UUID, tuple[Commitment, ...]]
    offers: frozenset[str]

    @property
    def all(self) -> tuple[Commitment, ...]:
        """Both: everything that may be called."""
        return (*self.sold, *(one for each in self.on_sale.values() for one in each))


def list_promises(*, site: Site, now: datetime) -> Promises:
    """Every promise of `site` from the half hour of `now` on that can still be called. Nothing is locked.

    Of what is sold, power already instructed counts with it: the bound is that of the whole. A half hour whose notice has
    passed uncalled binds nothing.
    """
    rows = alive_periods(site.pk, now=now).select_related("offer__plan", "capacity")
    rows = rows.order_by("start_at", "offer__created_at")
    sold: dict[tuple[datetime, str], list[OfferPeriod]] = defaultdict(list)
    on_sale: dict[uuid.UUID, list[Commitment]] = defaultdict(list)
    for row in rows:
        offer = row.offer
        if row.reserved_kw and callable_yet(offer, row.start_at, now):
            sold[row.start_at, offer.direction].append(row)
        if offer.state in OPEN and now < offer.gate_closure_at and row.offered_kw > row.reserved_kw:
            bound = bound_of(
                str(offer.pk), offer.direction, row.start_at, declared(offer, row.start_at), row.offered_kw
            )
            on_sale[offer.pk].append(bound)
    names = orders_of(site)
    held = tuple(sold_bound(names, when, way, found) for (when, way), found in sold.items())
    open_now = {key: tuple(found) for key, found in on_sale.items()}
    return Promises(held, open_now, frozenset(str(row.offer_id) for row in rows))


def alive_periods(site_id: int, *, now: datetime) -> QuerySet[OfferPeriod]:
    """The half hours from `now` on of which the site has anything sold, on sale, or bid on a tender that is open."""
    bid = Exists(Bid.objects.filter(offer=OuterRef("offer"), state=Bid.State.OFFERED))
    open_now = Q(offer__state=Offer.State.PUBLISHED) | Q(bid, offer__state=Offer.State.DRAFT)
    alive = Q(reserved_kw__gt=0) | (open_now & Q(offer__gate_closure_at__gt=now))
    return OfferPeriod.objects.filter(alive, offer__site=site_id, start_at__gte=floor_half_hour(now))


def callable_yet(offer: Offer, start: datetime, now: datetime) -> bool:
    """Whether the half hour from `start` of what is sold may still be called; a schedule is called without a message."""
    if not product_on(offer.product, offer.start_at).needs_instruction:
        return start > now
    return start - timedelta(seconds=offer.notice_s) >= now


def sold_bound(names: Mapping[uuid.UUID, str], when: datetime, direction: str, rows: list[OfferPeriod]) -> Commitment:
    """One half hour with all that is sold in it called: shared power once, measured from the nearest reference."""
    capacity = rows[0].capacity
    kw = capacity.reserved_kw if capacity is not None else sum((row.reserved_kw for row in rows), Decimal(0))
    nearest = min if direction == Offer.Direction.TURN_DOWN else max
    reference = nearest(declared(row.offer, when) for row in rows)
    return bound_of(names.get(rows[0].offer_id, str(rows[0].offer_id)), direction, when, reference, kw)


def bound_of(name: str, direction: str, when: datetime, reference: Decimal, kw: Decimal) -> Commitment:
    """What a call of `kw` asks of the site in the half hour from `when`."""
    if direction == Offer.Direction.TURN_DOWN:
        return Commitment(name, when, site_max_kw=float(reference - kw))
    return Commitment(name, when, site_min_kw=float(reference + kw))


def orders_of(site: Site) -> dict[uuid.UUID, str]:
    """The oldest order that holds some of each offer, to name what is sold by."""
    rows = Order.objects.filter(offer__site=site, state__in=OWED).order_by("-created_at")
    return {offer: str(order) for offer, order in rows.values_list("offer_id", "pk")}


def offers_beside(offer: Offer, *, now: datetime) -> set[str]:
    """Ids of the site's other offers of which anything is sold, on sale or bid, and ahead."""
    rows = alive_periods(offer.site_id, now=now).exclude(offer=offer.pk)
    return {str(pk) for pk in rows.values_list("offer_id", flat=True)}
