"""Tenders as buyers and sellers read them: the list, one need with what was taken of it, its bids and their merit order.

Bids are sealed until the tender closes: a seller sees its own, the buyer sees none before and all after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Max, Min, QuerySet

from flex_engine.settle.products import Product
from flex_engine.timegrid import LONDON
from marketplace.models import Bid, Offer, Organisation, Tender, User
from marketplace.queries.pages import Page, page_of
from marketplace.queries.visible import visible
from marketplace.rules.product_terms import product_on

WIDTH, HEIGHT = 600, 220  # of the drawing, in its own units
MARGIN = 24


@dataclass(frozen=True, slots=True)
class TenderRow:
    """One line of the list. `kw` is the most needed in any half hour, `ceiling` GBP per kWh."""

    id: str
    name: str
    buyer: str
    product: str
    direction: str
    zone: str
    start: datetime
    end: datetime
    closes_at: datetime
    kw: Decimal
    ceiling: Decimal
    pricing: str
    state: str
    state_name: str
    takes_bids: bool


@dataclass(frozen=True, slots=True)
class NeedRow:
    """One settlement period: needed and taken, in kW."""

    start: datetime
    needed_kw: Decimal
    taken_kw: Decimal

    @property
    def unmet_kw(self) -> Decimal:
        """What no bid that was taken covers."""
        return max(Decimal(0), self.needed_kw - self.taken_kw)


@dataclass(frozen=True, slots=True)
class BidRow:
    """One bid, in merit order. `order` is the seller's order, empty where there is none or it is not theirs to see."""

    id: str
    site: str
    offer: str
    start: datetime
    end: datetime
    kw: Decimal
    least_kw: Decimal
    price: Decimal
    availability: Decimal
    state: str
    state_name: str
    taken_kw: Decimal
    reason: str
    placed_at: datetime
    order: str
    own: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """One bid in the drawing: `x` and `width` are its power, `y` and `height` its price; `taken` of the width is filled."""

    name: str
    x: int
    y: int
    width: int
    height: int
    taken: int


@dataclass(frozen=True, slots=True)
class Stack:
    """The merit order drawn: bids by price, and where the highest need and the ceiling lie."""

    bars: tuple[Bar, ...]
    need_x: int
    ceiling_y: int
    width: int = WIDTH + 2 * MARGIN
    height: int = HEIGHT + 2 * MARGIN
    base: int = HEIGHT + MARGIN


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft that could be bid, in words for a list."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class TenderPage:
    """One tender in full, for one person."""

    row: TenderRow
    product: Product
    ceiling_availability: Decimal
    created_at: datetime
    closed_at: datetime | None
    cancel_reason: str
    clearing_price: Decimal | None
    proved: bool | None
    cost_pence: int
    periods: tuple[NeedRow, ...]
    bids: tuple[BidRow, ...]
    stack: Stack | None
    drafts: tuple[Draft, ...]
    own: bool

    @property
    def unmet(self) -> bool:
        """Whether any of the need is unmet after clearing."""
        return self.row.state in {"CLEARED", "EMPTY"} and any(row.unmet_kw for row in self.periods)


def filtered_tenders(tenders: QuerySet[Tender], state: str = "") -> QuerySet[Tender]:
    """Tenders in a state, those that close last first."""
    if state:
        tenders = tenders.filter(state=state)
    return tenders.select_related("organisation").annotate(most=Max("periods__needed_kw")).order_by("-closes_at", "pk")


def tender_list(tenders: QuerySet[Tender], state: str, number: int, now: datetime) -> Page[TenderRow]:
    """Page `number` of the list."""
    return page_of(filtered_tenders(tenders, state), number, lambda tender: tender_row(tender, now))


def tender_row(tender: Tender, now: datetime) -> TenderRow:
    """The row of a tender annotated by filtered_tenders."""
    return TenderRow(
        id=str(tender.pk),
        name=tender.name,
        buyer=tender.organisation.name,
        product=product_on(tender.product, tender.start_at).name,
        direction=tender.get_direction_display(),
        zone=f"{tender.gsp_group} {tender.gsp_zone}".strip(),
        start=tender.start_at,
        end=tender.end_at,
        closes_at=tender.closes_at,
        kw=tender.most or Decimal(0),  # type: ignore[attr-defined] # the annotation
        ceiling=tender.ceiling_gbp_per_kwh,
        pricing=tender.get_pricing_display(),
        state=tender.state,
        state_name=tender.get_state_display(),
        takes_bids=tender.state == Tender.State.OPEN and now < tender.closes_at,
    )


def tender_page(tender: Tender, user: User, now: datetime) -> TenderPage:
    """A tender annotated by filtered_tenders, as this person may see it."""
    row = tender_row(tender, now)
    periods = tuple(NeedRow(one.start_at, one.needed_kw, one.taken_kw) for one in tender.periods.order_by("start_at"))
    theirs = set(visible(Organisation, user).values_list("pk", flat=True))
    seen = list(
        visible(Bid, user)
        .filter(tender=tender)
        .select_related("offer__site", "order")
        .order_by("utilisation_price_gbp_per_kwh", "availability_price_gbp_per_mw_h", "placed_at", "pk")
    )
    bids = tuple(bid_row(bid, own=bid.offer.site.organisation_id in theirs) for bid in seen)
    own = tender.organisation_id in theirs
    return TenderPage(
        row=row,
        product=product_on(tender.product, tender.start_at),
        ceiling_availability=tender.ceiling_availability_gbp_per_mw_h,
        created_at=tender.created_at,
        closed_at=tender.closed_at,
        cancel_reason=tender.cancel_reason,
        clearing_price=tender.clearing_price_gbp_per_kwh,
        proved=tender.clearing.get("proved"),
        cost_pence=sum(bid.order.quote_pence for bid in seen if bid.order is not None),
        periods=periods,
        bids=bids,
        stack=stack_of(bids, periods, tender.ceiling_gbp_per_kwh) if own and bids else None,
        drafts=tuple(draft_of(one) for one in drafts_for(tender, user, now)) if row.takes_bids else (),
        own=own,
    )


def bid_row(bid: Bid, *, own: bool) -> BidRow:
    """One bid."""
    return BidRow(
        id=str(bid.pk),
        site=bid.offer.site.name,
        offer=str(bid.offer_id),
        start=bid.offer.start_at,
        end=bid.offer.end_at,
        kw=bid.kw,
        least_kw=bid.least_kw,
        price=bid.utilisation_price_gbp_per_kwh,
        availability=bid.availability_price_gbp_per_mw_h,
        state=bid.state,
        state_name=bid.get_state_display(),
        taken_kw=bid.taken_kw,
        reason=bid.reason,
        placed_at=bid.placed_at,
        order=str(bid.order_id or "") if own else "",
        own=own,
    )


def drafts_for(tender: Tender, user: User, now: datetime) -> QuerySet[Offer]:
    """The person's certified drafts that could be bid: product, direction, zone and window fit."""
    drafts = (
        visible(Offer, user)
        .filter(
            state=Offer.State.DRAFT,
            product=tender.product,
            direction=tender.direction,
            start_at__gte=tender.start_at,
            end_at__lte=tender.end_at,
            gate_closure_at__gt=now,
            certificate__holds=True,
            site__gsp_group=tender.gsp_group,
        )
        .exclude(bids__state=Bid.State.OFFERED)
    )
    if tender.gsp_zone:
        drafts = drafts.filter(site__gsp_zone=tender.gsp_zone)
    return drafts.select_related("site").annotate(least=Min("periods__offered_kw")).order_by("start_at", "pk")


def draft_of(offer: Any) -> Draft:
    """One draft of drafts_for in words, its times in London."""
    start, end = offer.start_at.astimezone(LONDON), offer.end_at.astimezone(LONDON)
    price = f"{offer.utilisation_price_gbp_per_kwh:.4f} GBP/kWh"
    return Draft(
        str(offer.pk),
        f"{offer.site.name}, {start:%d %b %H:%M} to {end:%H:%M}, {offer.least.normalize():f} kW at {price}",
    )


def stack_of(bids: Sequence[BidRow], periods: Sequence[NeedRow], ceiling: Decimal) -> Stack:
    """The drawing of bids in merit order over the highest need."""
    need = max((row.needed_kw for row in periods), default=Decimal(0))
    widest = max(sum((bid.kw for bid in bids), Decimal(0)), need) or Decimal(1)
    highest = max([ceiling, *(bid.price for bid in bids)]) or Decimal(1)

    def across(kw: Decimal) -> int:
        return int(kw * WIDTH / widest)

    def up(price: Decimal) -> int:
        return int(price * HEIGHT / highest)

    bars, before = [], Decimal(0)
    for bid in bids:
        x, tall = MARGIN + across(before), max(2, up(bid.price))
        bars.append(Bar(bid.site, x, HEIGHT + MARGIN - tall, max(2, across(bid.kw) - 1), tall, across(bid.taken_kw)))
        before += bid.kw
    return Stack(tuple(bars), MARGIN + across(need), HEIGHT + MARGIN - up(ceiling))
