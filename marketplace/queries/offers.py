"""Offers as their seller sees them: the list with its filters and export, and one offer with its price and proof."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from flex_engine.settle.products import Product
from flex_engine.settle.registry import methods
from marketplace.models import Offer
from marketplace.queries.exports import utc_text
from marketplace.queries.naming import named, written
from marketplace.queries.orders import NAMES as ORDER_NAMES
from marketplace.queries.pages import Page, page_of
from marketplace.queries.standings import Standing, standing_of
from marketplace.rules.back_test import method_test
from marketplace.rules.order_state import OrderState
from marketplace.rules.product_terms import product_on, quote

HEADER = (
    "offer",
    "site",
    "state",
    "direction",
    "start_utc",
    "end_utc_exclusive",
    "offered_kw",
    "sold_kw",
    "utilisation_price_gbp_per_kwh",
    "shortfall_penalty_gbp_per_kwh",
    "gate_closure_utc",
    "baseline_method",
    "product",
    "availability_price_gbp_per_mw_h",
)
SORTS = {
    "start": ("-start_at", "pk"),
    "created": ("-created_at", "pk"),
    "price": ("-utilisation_price_gbp_per_kwh", "pk"),
}
# Certificate entries with a place of their own on the page; the rest is listed as it stands.
NAMED_FACTS = frozenset({"holds", "quantity_kw", "start", "end", "direction", "solver", "solve_s", "margin", "reasons"})
NAMED_FACTS |= {"site_max_kw", "site_min_kw"}


NAMES = {method.id: method.name for method in methods()}  # of baselines


@dataclass(frozen=True, slots=True)
class OfferFilters:
    """What the address asks for."""

    state: str = ""
    site: str = ""
    sort: str = "start"


@dataclass(frozen=True, slots=True)
class OfferRow:
    """One line of the list. `kw` is the least offered in any half hour, `sold_kw` the most sold in any."""

    id: str
    short_id: str
    site_name: str
    site_slug: str
    state: str
    state_name: str
    direction: str
    product: str
    start: datetime
    end: datetime
    kw: Decimal
    sold_kw: Decimal
    price: Decimal
    gate_closure: datetime
    gate_open: bool


@dataclass(frozen=True, slots=True)
class OfferPeriodRow:
    """One settlement period of an offer, in kW."""

    start: datetime
    offered_kw: Decimal
    sold_kw: Decimal

    @property
    def left_kw(self) -> Decimal:
        """What can still be ordered."""
        return self.offered_kw - self.sold_kw


@dataclass(frozen=True, slots=True)
class PriceStep:
    """One line of the price arithmetic, as the engine wrote it."""

    item: str
    value: str
    unit: str
    why: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """The proof that every dispatch of the offer can be met with every deadline kept."""

    holds: bool
    quantity_kw: str
    solver: str
    solve_s: str
    margin: str
    reasons: tuple[str, ...]
    rest: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class MethodTest:
    """One baseline method on past days without an event; shares of the energy drawn, None where it could not be tested."""

    id: str
    name: str
    biased: bool
    chosen: bool
    days: int
    untested: int
    bias: Decimal | None
    rrmse: Decimal | None
    phantom_mwh: Decimal | None
    clean_days_left: int | None
    faults: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class BackTests:
    """Every method's test as of `known_at`; `against` is what speaks against the one the offer uses."""

    known_at: datetime | None
    label: str
    methods: tuple[MethodTest, ...]
    against: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OfferOrder:
    """An order placed on the offer."""

    id: str
    state: str
    state_name: str
    quote_pence: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OfferPage:
    """One offer. `most_pence` is what a full dispatch of everything offered would earn."""

    row: OfferRow
    product: Product
    availability_price: Decimal
    notice_s: int
    max_events_per_day: int
    fee_percent: Decimal
    free_until: datetime
    penalty: Decimal
    baseline_method: str
    drafted_by: str
    allowed_baselines: tuple[tuple[str, str], ...]
    plan_at: datetime
    created_at: datetime
    published_at: datetime | None
    periods: tuple[OfferPeriodRow, ...]
    arithmetic: tuple[PriceStep, ...]
    certificate: Certificate
    standing: Standing | None
    back_test: BackTests
    orders: tuple[OfferOrder, ...]
    energy_kwh: Decimal
    most_pence: int
    worst_pence: int

    @property
    def can_publish(self) -> bool:
        """Whether publishing has a chance: a draft with an open gate and a certificate that holds."""
        return self.row.state == Offer.State.DRAFT and self.row.gate_open and self.certificate.holds

    @property
    def can_withdraw(self) -> bool:
        """Whether the offer can be taken off sale."""
        return self.row.state in {Offer.State.DRAFT, Offer.State.PUBLISHED}


def filtered_offers(offers: QuerySet[Offer], filters: OfferFilters) -> QuerySet[Offer]:
    """Exactly the offers the filters name, in their order."""
    if filters.state:
        offers = offers.filter(state=filters.state)
    if filters.site:
        offers = offers.filter(site__slug=filters.site)
    ordered = offers.order_by(*SORTS.get(filters.sort, SORTS["start"]))
    return ordered.select_related("site").prefetch_related("periods")


def offer_list(offers: QuerySet[Offer], filters: OfferFilters, number: int, now: datetime) -> Page[OfferRow]:
    """Page `number` of the list."""
    return page_of(filtered_offers(offers, filters), number, lambda offer: offer_row(offer, now))


def offer_row(offer: Offer, now: datetime) -> OfferRow:
    """The row of one offer, with its periods already fetched."""
    periods = list(offer.periods.all())
    return OfferRow(
        id=str(offer.pk),
        short_id=str(offer.pk)[:8],
        site_name=offer.site.name,
        site_slug=offer.site.slug,
        state=offer.state,
        state_name=offer.get_state_display(),
        direction=offer.get_direction_display(),
        product=product_on(offer.product, offer.start_at).name,
        start=offer.start_at,
        end=offer.end_at,
        kw=min((row.offered_kw for row in periods), default=Decimal(0)),
        sold_kw=max((row.reserved_kw for row in periods), default=Decimal(0)),
        price=offer.utilisation_price_gbp_per_kwh,
        gate_closure=offer.gate_closure_at,
        gate_open=now < offer.gate_closure_at,
    )


def offer_page(offer: Offer, now: datetime, *, baseline: str = "") -> OfferPage:
    """One offer in full; a draft as it would be sold by `baseline`, where its product allows that one."""
    sold_as = product_on(offer.product, offer.start_at)
    allowed = tuple(dict.fromkeys([offer.baseline_method, *sold_as.baseline_methods]))
    method = baseline if baseline in allowed and offer.state == Offer.State.DRAFT else offer.baseline_method
    periods = tuple(
        OfferPeriodRow(row.start_at, row.offered_kw, row.reserved_kw) for row in offer.periods.order_by("start_at")
    )
    energy = sum((row.offered_kw for row in periods), Decimal(0)) / 2
    return OfferPage(
        row=offer_row(offer, now),
        product=sold_as,
        availability_price=offer.availability_price_gbp_per_mw_h,
        notice_s=offer.notice_s,
        max_events_per_day=offer.max_events_per_day,
        fee_percent=offer.cancellation_fee_percent,
        free_until=offer.start_at - timedelta(seconds=offer.free_cancellation_s),
        penalty=offer.shortfall_penalty_gbp_per_kwh,
        baseline_method=method,
        drafted_by=offer.baseline_method,
        plan_at=offer.plan.created_at,
        created_at=offer.created_at,
        published_at=offer.published_at,
        periods=periods,
        arithmetic=tuple(price_step(line) for line in offer.price_arithmetic),
        certificate=certificate_of(offer.certificate),
        standing=standing_of(offer),
        back_test=back_tests_of(offer, method),
        allowed_baselines=tuple((one, NAMES.get(one, one)) for one in allowed),
        orders=tuple(
            OfferOrder(
                str(order.pk), order.state, ORDER_NAMES[OrderState(order.state)], order.quote_pence, order.created_at
            )
            for order in offer.orders.order_by("-created_at")
        ),
        energy_kwh=energy,
        most_pence=quote(
            {row.start: row.offered_kw for row in periods},
            utilisation_gbp_per_kwh=offer.utilisation_price_gbp_per_kwh,
            availability_gbp_per_mw_h=offer.availability_price_gbp_per_mw_h,
        ).pence,
        worst_pence=round(energy * offer.shortfall_penalty_gbp_per_kwh * 100),
    )


def price_step(line: dict[str, Any]) -> PriceStep:
    """One stored line of the arithmetic."""
    return PriceStep(*(str(line.get(key, "")) for key in ("item", "value", "unit", "why")))


def certificate_of(data: dict[str, Any]) -> Certificate:
    """The stored certificate; a missing one does not hold."""
    return Certificate(
        holds=bool(data.get("holds")),
        quantity_kw=str(data.get("quantity_kw", "")),
        solver=str(data.get("solver", "")),
        solve_s=str(data.get("solve_s", "")),
        margin=str(data.get("margin", "")),
        reasons=tuple(str(reason) for reason in data.get("reasons", ())),
        rest=tuple((named(str(key)), written(value)) for key, value in data.items() if key not in NAMED_FACTS),
    )


def back_tests_of(offer: Offer, method: str) -> BackTests:
    """The stored back-test with what speaks against `method`; an offer without one has that against it."""
    data = offer.back_test
    return BackTests(
        known_at=datetime.fromisoformat(data["known_at"]) if data else None,
        label=str(data.get("label", "")),
        methods=tuple(method_row(one, method) for one in data.get("methods", ())),
        against=tuple(method_test(data, method)["faults"]),
    )


def method_row(one: dict[str, Any], chosen: str) -> MethodTest:
    """One stored method."""
    bias, rrmse, phantom = (Decimal(one[key]) if key in one else None for key in ("bias", "rrmse", "phantom_mwh"))
    return MethodTest(
        id=one["id"],
        name=one["name"],
        biased=one["standing"] == "BIASED",
        chosen=one["id"] == chosen,
        days=one.get("days", 0),
        untested=one.get("untested", 0),
        bias=bias,
        rrmse=rrmse,
        phantom_mwh=phantom,
        clean_days_left=one.get("clean_days_left"),
        faults=tuple(one["faults"]),
        why=one.get("why", ""),
    )


def offer_export(offers: QuerySet[Offer], now: datetime) -> Iterator[list[object]]:
    """The rows under HEADER of exactly these offers."""
    for offer in offers.iterator(chunk_size=500):
        row = offer_row(offer, now)
        yield [
            row.id,
            row.site_slug,
            row.state,
            row.direction,
            utc_text(row.start),
            utc_text(row.end),
            f"{row.kw:f}",
            f"{row.sold_kw:f}",
            f"{row.price:f}",
            f"{offer.shortfall_penalty_gbp_per_kwh:f}",
            utc_text(row.gate_closure),
            offer.baseline_method,
            offer.product,
            f"{offer.availability_price_gbp_per_mw_h:f}",
        ]
