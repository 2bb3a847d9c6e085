"""Orders as the seller holds them: the list, and one order with its periods, dispatches, statements and messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Max, Min, OuterRef, QuerySet, Subquery

from flex_engine.timegrid import HALF_HOUR
from marketplace.ledger.log import as_bytes
from marketplace.models import ContractDocument, Event, Order, SettlementStatement
from marketplace.queries.dispatches import DispatchRow, StatementRow, dispatch_row, statement_row
from marketplace.queries.disputes import in_dispute
from marketplace.queries.exports import utc_text
from marketplace.queries.messages import MessageRow, messages_of
from marketplace.queries.pages import Page, page_of
from marketplace.queries.sentences import sentence
from marketplace.rules.order_state import ActivationState, OrderState
from marketplace.rules.product_terms import product_on

HEADER = (
    "order",
    "offer",
    "site",
    "state",
    "buyer",
    "start_utc",
    "end_utc_exclusive",
    "ordered_kw_max",
    "quote_pence",
    "utilisation_price_gbp_per_kwh",
    "confirmed_utc",
)
PATH = (
    OrderState.DRAFT,
    OrderState.INITIALISED,
    OrderState.CONFIRMED,
    OrderState.ACTIVE,
    OrderState.DELIVERED,
    OrderState.SETTLED,
)
NAMES = {
    OrderState.DRAFT: "Quoted",
    OrderState.INITIALISED: "Terms agreed",
    OrderState.PENDING: "Waiting for approval",
    OrderState.CONFIRMED: "Confirmed",
    OrderState.ACTIVE: "Dispatched",
    OrderState.DELIVERED: "Delivered",
    OrderState.SETTLED: "Settled",
    OrderState.CANCELLED: "Cancelled",
    OrderState.EXPIRED: "Expired",
}


@dataclass(frozen=True, slots=True)
class OrderFilters:
    """What the address asks for."""

    state: str = ""
    site: str = ""


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One line of the list. `kw` is the most ordered in any half hour."""

    id: str
    short_id: str
    site_name: str
    site_slug: str
    state: str
    state_name: str
    buyer: str
    start: datetime | None
    end: datetime | None
    kw: Decimal
    direction: str
    quote_pence: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way from quote to settlement: done, now, ahead or stopped."""

    name: str
    place: str


@dataclass(frozen=True, slots=True)
class OrderPeriodRow:
    """One settlement period: ordered, and, once dispatched and settled, what happened in it."""

    start: datetime
    ordered_kw: Decimal


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One event about the order, in words; `seq` links its place in the log once it has one."""

    at: datetime
    text: str
    type: str
    seq: int | None


@dataclass(frozen=True, slots=True)
class DocumentNamed:
    """The newest contract document of an order."""

    version: int
    sha256: str


@dataclass(frozen=True, slots=True)
class OrderPage:
    """One order in full."""

    row: OrderRow
    offer_id: str
    transaction_id: str
    version: int
    price: Decimal
    penalty: Decimal
    terms_digest: str
    quote_expires_at: datetime
    confirmed_at: datetime | None
    baseline_method: str
    product: str
    availability_price: Decimal
    document: DocumentNamed | None
    waits_because: str
    approve_by: datetime | None
    refused_because: str
    free_cancellation_until: datetime | None
    fee_pence: int
    charged_pence: int | None
    notice_s: int
    energy_kwh: Decimal
    worst_pence: int
    in_dispute_pence: int
    steps: tuple[Step, ...]
    periods: tuple[OrderPeriodRow, ...]
    dispatches: tuple[DispatchRow, ...]
    statements: tuple[StatementRow, ...]
    timeline: tuple[TimelineEntry, ...]
    messages: tuple[MessageRow, ...]

    @property
    def waits(self) -> bool:
        """Whether somebody of the seller has to decide."""
        return self.row.state == OrderState.PENDING


def filtered_orders(orders: QuerySet[Order], filters: OrderFilters) -> QuerySet[Order]:
    """Exactly the orders the filters name, newest first."""
    if filters.state:
        orders = orders.filter(state=filters.state)
    if filters.site:
        orders = orders.filter(offer__site__slug=filters.site)
    spans = orders.annotate(
        first=Min("periods__start_at"), last=Max("periods__start_at"), most=Max("periods__ordered_kw")
    )
    return spans.select_related("offer__site").order_by("-created_at", "pk")


def order_list(orders: QuerySet[Order], filters: OrderFilters, number: int) -> Page[OrderRow]:
    """Page `number` of the list."""
    return page_of(filtered_orders(orders, filters), number, order_row)


def order_row(order: Any) -> OrderRow:
    """The row of an order annotated by filtered_orders."""
    return OrderRow(
        id=str(order.pk),
        short_id=str(order.pk)[:8],
        site_name=order.offer.site.name,
        site_slug=order.offer.site.slug,
        state=order.state,
        state_name=NAMES[OrderState(order.state)],
        buyer=order.buyer_subscriber_id,
        start=order.first,
        end=order.last + HALF_HOUR if order.last else None,
        kw=order.most or Decimal(0),
        direction=order.offer.get_direction_display(),
        quote_pence=order.quote_pence,
        created_at=order.created_at,
    )


def steps_of(state: str) -> tuple[Step, ...]:
    """The stepper: steps passed, the step it stands on, steps ahead; a stopped order ends in its own last step.

    >>> [step.place for step in steps_of("CONFIRMED")]
    ['done', 'done', 'now', 'ahead', 'ahead', 'ahead']
    """
    here = OrderState(state)
    path = (*PATH[:2], here, *PATH[2:]) if here == OrderState.PENDING else PATH
    if here not in path:
        return (Step(NAMES[OrderState.DRAFT], "done"), Step(NAMES[here], "stopped"))
    at = path.index(here)
    done = here == OrderState.SETTLED
    places = ["done" if i < at or (i == at and done) else "now" if i == at else "ahead" for i in range(len(path))]
    return tuple(Step(NAMES[one], place) for one, place in zip(path, places, strict=True))


def order_page(order: Order) -> OrderPage:
    """One order in full."""
    rows = Order.objects.filter(pk=order.pk).annotate(in_dispute=in_dispute("statement__order"))
    spanned: Any = with_document(filtered_orders(rows, OrderFilters())).get()
    periods = tuple(OrderPeriodRow(row.start_at, row.ordered_kw) for row in order.periods.order_by("start_at"))
    energy = sum((row.ordered_kw for row in periods), Decimal(0)) / 2
    activations = list(order.activations.order_by("-start_at", "-pk"))
    called = any(row.state != ActivationState.REJECTED for row in activations)
    return OrderPage(
        row=order_row(spanned),
        offer_id=str(order.offer_id),
        transaction_id=str(order.transaction_id),
        version=order.version,
        price=order.utilisation_price_gbp_per_kwh,
        penalty=order.shortfall_penalty_gbp_per_kwh,
        terms_digest=order.terms_digest,
        quote_expires_at=order.quote_expires_at,
        confirmed_at=order.confirmed_at,
        baseline_method=spanned.offer.baseline_method,
        product=product_on(spanned.offer.product, spanned.offer.start_at).name,
        availability_price=order.availability_price_gbp_per_mw_h,
        document=document_named(spanned),
        waits_because=order.waits_because,
        approve_by=order.approve_by,
        refused_because=order.refused_because,
        free_cancellation_until=order.free_cancellation_until,
        fee_pence=order.cancellation_fee_pence,
        charged_pence=order.cancellation_charged_pence,
        notice_s=spanned.offer.notice_s,
        energy_kwh=energy,
        worst_pence=round(energy * order.shortfall_penalty_gbp_per_kwh * 100),
        in_dispute_pence=spanned.in_dispute,
        steps=steps_of(order.state),
        periods=periods,
        dispatches=tuple(dispatch_row(row, spanned.offer.direction) for row in activations),
        statements=() if called else tuple(statement_row(row) for row in own_statements(order)),
        timeline=timeline([f"order:{order.pk}"] + [f"activation:{row.pk}" for row in activations]),
        messages=messages_of([str(order.transaction_id)], role="bpp"),
    )


def own_statements(order: Order) -> QuerySet[SettlementStatement]:
    """The statements that settle the order itself and no dispatch of it, newest first."""
    return order.statements.filter(activation__isnull=True).order_by("-sequence").prefetch_related("lines")


def with_document(orders: QuerySet[Order]) -> QuerySet[Order]:
    """Orders with version and hash of their newest contract document."""
    newest = ContractDocument.objects.filter(order=OuterRef("pk")).order_by("-version")
    return orders.annotate(
        document_version=Subquery(newest.values("version")[:1]), document_sha256=Subquery(newest.values("sha256")[:1])
    )


def document_named(order: Any) -> DocumentNamed | None:
    """The document of an order annotated by with_document."""
    return DocumentNamed(order.document_version, order.document_sha256) if order.document_version else None


def timeline(subjects: Sequence[str]) -> tuple[TimelineEntry, ...]:
    """Events about these subjects, newest first."""
    events = Event.objects.filter(subject__in=subjects).select_related("entry").order_by("-at", "-entry__seq")
    return tuple(
        TimelineEntry(
            row.at,
            sentence(row.type, as_bytes(row.payload)),
            row.type,
            row.entry.seq if hasattr(row, "entry") else None,
        )
        for row in events
    )


def order_export(orders: QuerySet[Order]) -> Iterator[list[object]]:
    """The rows under HEADER of exactly these orders."""
    for order in orders.iterator(chunk_size=500):
        row = order_row(order)
        yield [
            row.id,
            str(order.offer_id),
            row.site_slug,
            row.state,
            row.buyer,
            utc_text(row.start) if row.start else "",
            utc_text(row.end) if row.end else "",
            f"{row.kw:f}",
            row.quote_pence,
            f"{order.utilisation_price_gbp_per_kwh:f}",
            utc_text(order.confirmed_at) if order.confirmed_at else "",
        ]
