"""The buyer's record of a deal, read from what the seller's own messages say: state, terms, dispatch and settlement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from flex_engine.timegrid import settlement_period
from marketplace.models import Purchase, standing_settlement
from marketplace.queries.catalogue import LATE_AFTER, optional_column
from marketplace.queries.exports import utc_text
from marketplace.queries.messages import MessageRow, messages_of
from marketplace.queries.orders import Step
from marketplace.queries.pages import Page, page_of
from marketplace.queries.purchase_delivery import Delivery, delivery_of
from marketplace.queries.purchase_disputes import PurchaseDisputeRow, disputes_with_seller
from marketplace.queries.purchase_money import PriceLine, Settlement, price_lines, settlement_of
from marketplace.queries.replies import Reply, replies_of
from marketplace.queries.seller_terms import SellerTerms, seller_terms_of
from marketplace.queries.sold_as import SoldAs, document_of, sold_as
from marketplace.wire.purchase import exact

State = Purchase.State
HEADER = (
    "purchase",
    "offer_name",
    "seller",
    "state",
    "requested_kw",
    "start_utc",
    "end_utc_exclusive",
    "quote_pence",
    "contract_id",
    "updated_utc",
)
PATH = ("Quoted", "Terms agreed", "Confirmed", "Dispatched", "Delivered", "Settled")
# How far each state has come along PATH, and whether it waits for the seller to take the next step.
PLACE = {
    State.QUOTING: (-1, True),
    State.QUOTED: (0, False),
    State.INITIALISING: (0, True),
    State.INITIALISED: (1, False),
    State.CONFIRMING: (1, True),
    State.CONFIRMED: (2, False),
    State.DISPATCHING: (2, True),
    State.ACTIVE: (3, False),
    State.DELIVERED: (4, False),
    State.SETTLED: (5, False),
}


@dataclass(frozen=True, slots=True)
class PurchaseFilters:
    """What the address asks for."""

    state: str = ""


@dataclass(frozen=True, slots=True)
class PurchaseRow:
    """One line of the list."""

    id: str
    short_id: str
    name: str
    seller: str
    state: str
    state_name: str
    start: datetime | None
    end: datetime | None
    kw: Decimal
    quote_pence: int | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class PurchasePeriod:
    """One settlement period: ordered power, its price, and metered delivery once the seller has sent it, in kW."""

    start: datetime
    ordered_kw: Decimal
    price: Decimal | None
    baseline_kw: Decimal | None
    metered_kw: Decimal | None
    up: bool = False

    @property
    def ref(self) -> str:
        """How a form names it: settlement date and period, 2024-01-16/35."""
        day, period = settlement_period(self.start)
        return f"{day.isoformat()}/{period}"

    @property
    def delivered_kw(self) -> Decimal | None:
        """Baseline less metered, or for a turn-up metered less baseline, before any cap."""
        if self.baseline_kw is None or self.metered_kw is None:
            return None
        change = self.baseline_kw - self.metered_kw
        return -change if self.up else change


@dataclass(frozen=True, slots=True)
class PurchasePage:
    """One purchase in full. `waiting` means that the seller's callback is due; `late` that it is overdue."""

    row: PurchaseRow
    contract_id: str
    transaction_id: str
    created_at: datetime
    waiting: bool
    late: bool
    steps: tuple[Step, ...]
    refusal_code: str
    refusal: str
    periods: tuple[PurchasePeriod, ...]
    price_lines: tuple[PriceLine, ...]
    penalty: Decimal | None
    baseline_method: str
    said: SellerTerms
    product: SoldAs
    dispatch_code: str
    document: Mapping[str, str]
    delivery: Delivery
    disputes: tuple[PurchaseDisputeRow, ...]
    settled_here: bool
    settlement: Settlement | None
    energy_kwh: Decimal
    replies: tuple[Reply, ...]
    messages: tuple[MessageRow, ...]

    @property
    def can_dispute(self) -> bool:
        """Whether there is a settlement of a seller elsewhere; one of this installation is disputed on its own page."""
        return self.settlement is not None and bool(self.settlement.id) and not self.settled_here

    @property
    def can_ask(self) -> bool:
        """Whether there is an order that the seller can be asked about."""
        return bool(self.contract_id)

    @property
    def can(self) -> dict[str, bool]:
        """Which of the buyer's steps fit the state, by name."""
        state = self.row.state
        return {
            "initialise": state == State.QUOTED,
            "confirm": state == State.INITIALISED,
            "dispatch": state == State.CONFIRMED and not self.product.by_schedule,
            "cancel": state in {State.INITIALISED, State.CONFIRMING, State.CONFIRMED},
            "status": state in {State.CONFIRMED, State.ACTIVE, State.DELIVERED, State.SETTLED},
        }


def filtered_purchases(purchases: QuerySet[Purchase], filters: PurchaseFilters) -> QuerySet[Purchase]:
    """Exactly the purchases the filters name, last changed first."""
    if filters.state:
        purchases = purchases.filter(state=filters.state)
    return purchases.order_by("-updated_at", "pk")


def purchase_list(purchases: QuerySet[Purchase], filters: PurchaseFilters, number: int) -> Page[PurchaseRow]:
    """Page `number` of the list."""
    return page_of(filtered_purchases(purchases, filters), number, purchase_row)


def purchase_row(purchase: Purchase) -> PurchaseRow:
    """The row of one purchase."""
    return PurchaseRow(
        id=str(purchase.pk),
        short_id=str(purchase.pk)[:8],
        name=purchase.offer_name or purchase.offer_id,
        seller=purchase.seller_subscriber_id,
        state=purchase.state,
        state_name=purchase.get_state_display(),
        start=purchase.start_at,
        end=purchase.end_at,
        kw=purchase.requested_kw,
        quote_pence=purchase.quote_pence,
        updated_at=purchase.updated_at,
    )


def steps_of(state: str) -> tuple[Step, ...]:
    """The buyer's stepper: it stands on what holds now, or on what the seller was asked for; a stopped one ends early.

    >>> [step.place for step in steps_of("QUOTED")][:3], [step.place for step in steps_of("INITIALISING")][:3]
    (['now', 'ahead', 'ahead'], ['done', 'now', 'ahead'])
    """
    if state not in PLACE:
        return (Step("Asked", "done"), Step(State(state).label, "stopped"))
    reached, waiting = PLACE[State(state)]
    now = reached + waiting if state != State.SETTLED else len(PATH)
    return tuple(
        Step(name, "done" if index < now else "now" if index == now else "ahead") for index, name in enumerate(PATH)
    )


def purchase_page(purchase: Purchase, now: datetime) -> PurchasePage:
    """One purchase in full; whatever the seller's contract does not say, or says unreadably, is left empty."""
    contract = exact(purchase.contract)
    commitment = first(contract.get("commitments"))
    terms = seller_terms(commitment)
    periods = periods_of(contract, commitment, terms)
    waiting = PLACE.get(State(purchase.state), (0, False))[1]
    penalties = optional_column(terms.get("price"), "SHORTFALL_PENALTY")
    standing = standing_settlement(purchase)
    messages = messages_of([str(purchase.transaction_id)], role="bap")
    return PurchasePage(
        row=purchase_row(purchase),
        contract_id=purchase.contract_id,
        transaction_id=str(purchase.transaction_id),
        created_at=purchase.created_at,
        waiting=waiting,
        late=waiting and now - purchase.updated_at > LATE_AFTER,
        steps=steps_of(purchase.state),
        refusal_code=str(purchase.refusal.get("code", "")),
        refusal=str(purchase.refusal.get("message", "")),
        periods=periods,
        price_lines=price_lines(contract),
        penalty=max(penalties.values(), default=None),
        baseline_method=str(mapping(terms.get("baselineMethodology")).get("method", "")),
        said=seller_terms_of(purchase, contract, waiting=waiting),
        product=sold_as(contract),
        dispatch_code=dispatch_code(contract),
        document=document_of(contract),
        delivery=delivery_of(purchase, contract, standing),
        disputes=disputes_with_seller(purchase) if standing else (),
        settled_here=purchase.seller_subscriber_id == settings.BECKN_PARTICIPANTS["bpp"]["subscriber_id"],
        settlement=settlement_of(standing, contract),
        energy_kwh=sum((row.ordered_kw for row in periods), Decimal(0)) / 2,
        replies=replies_of(purchase, messages),
        messages=messages,
    )


def mapping(value: Any) -> Mapping[str, Any]:
    """`value` if it is an object, otherwise an empty one."""
    return value if isinstance(value, Mapping) else {}


def first(value: Any) -> Mapping[str, Any]:
    """The first object of a list, or an empty one."""
    return mapping(value[0]) if isinstance(value, list) and value else {}


def seller_terms(commitment: Mapping[str, Any]) -> Mapping[str, Any]:
    """The seller's inputs of the ordered offer."""
    inputs = mapping(mapping(commitment.get("offer")).get("offerAttributes")).get("inputs")
    entries = inputs if isinstance(inputs, list) else []
    return next((mapping(entry.get("inputs")) for entry in entries if mapping(entry).get("role") == "seller"), {})


def periods_of(
    contract: Mapping[str, Any], commitment: Mapping[str, Any], terms: Mapping[str, Any]
) -> tuple[PurchasePeriod, ...]:
    """Ordered power beside price and metered delivery, per settlement period."""
    ordered = optional_column(commitment.get("commitmentAttributes"), "CAPACITY_OFFERED")
    price = optional_column(terms.get("price"), "PRICE")
    telemetry = mapping(first(mapping(first_delivery(contract)).get("meters"))).get("telemetry")
    baseline, metered = optional_column(telemetry, "BASELINE"), optional_column(telemetry, "USAGE")
    up = sold_as(contract).direction == "INCREASE"
    return tuple(
        PurchasePeriod(start, kw, price.get(start), baseline.get(start), metered.get(start), up)
        for start, kw in sorted(ordered.items())
    )


def first_delivery(contract: Mapping[str, Any]) -> Mapping[str, Any]:
    """The attributes of the first performance entry that carries meters."""
    entries = contract.get("performance")
    entries = entries if isinstance(entries, list) else []
    for entry in entries:
        attributes = mapping(mapping(entry).get("performanceAttributes"))
        if attributes.get("meters"):
            return attributes
    return {}


def dispatch_code(contract: Mapping[str, Any]) -> str:
    """The status code of the newest performance entry."""
    entries = contract.get("performance")
    last = mapping(entries[-1]) if isinstance(entries, list) and entries else {}
    return str(mapping(last.get("status")).get("code", ""))


def purchase_export(purchases: QuerySet[Purchase]) -> Iterator[list[object]]:
    """The rows under HEADER of exactly these purchases."""
    for purchase in purchases.iterator(chunk_size=500):
        row = purchase_row(purchase)
        yield [
            row.id,
            row.name,
            row.seller,
            row.state,
            f"{row.kw:f}",
            utc_text(row.start) if row.start else "",
            utc_text(row.end) if row.end else "",
            "" if row.quote_pence is None else row.quote_pence,
            purchase.contract_id,
            utc_text(row.updated_at),
        ]
