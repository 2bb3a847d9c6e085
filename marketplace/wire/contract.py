"""An order as a Beckn contract, in each of its states, and what a buyer's contract asks of us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from flex_engine.settle.payment import NOT_THE_BUYERS
from marketplace.models import Activation, ContractDocument, Order, SettlementStatement
from marketplace.rules.contract_document import LABEL, TEMPLATE
from marketplace.rules.errors import MarketError
from marketplace.rules.order_state import OrderState
from marketplace.rules.product_terms import quote
from marketplace.wire import policy
from marketplace.wire.catalogue import offer_attributes, resource_id
from marketplace.wire.document_link import document_link
from marketplace.wire.series import instant, number, read_column, time_series

COMMITMENT = "commitment-1"
STATUS = {
    OrderState.DRAFT: ("DRAFT", "DRAFT", "QUOTED"),
    OrderState.INITIALISED: ("DRAFT", "DRAFT", "QUOTED"),
    OrderState.PENDING: ("DRAFT", "DRAFT", "QUOTED"),
    OrderState.CONFIRMED: ("ACTIVE", "ACTIVE", "AGREED"),
    OrderState.ACTIVE: ("ACTIVE", "ACTIVE", "AGREED"),
    OrderState.DELIVERED: ("ACTIVE", "ACTIVE", "AGREED"),
    OrderState.SETTLED: ("COMPLETE", "CLOSED", "SETTLED"),
    OrderState.CANCELLED: ("CANCELLED", "CLOSED", "CANCELLED"),
    OrderState.EXPIRED: ("CANCELLED", "CLOSED", "CANCELLED"),
}


def pounds(pence: int) -> Decimal:
    """Pence as a Decimal of pounds with two places."""
    return (Decimal(pence) / 100).quantize(Decimal("0.01"))


def price_specification(total_pence: int, components: list[dict[str, Any]]) -> dict[str, Any]:
    """PriceSpecification v2.2 whose components sum to its value."""
    return {
        "@context": "https://schema.beckn.io/PriceSpecification/v2.2/context.jsonld",
        "@type": "PriceSpecification",
        "currency": "GBP",
        "value": pounds(total_pence),
        "components": components,
    }


def component(kind: str, pence: int, description: str) -> dict[str, Any]:
    """One PriceComponent."""
    return {"type": kind, "value": pounds(pence), "currency": "GBP", "description": description}


def ordered_wh(order: Order) -> int:
    """Energy of the whole order if fully dispatched, in Wh."""
    return int(sum((row.ordered_kw * 500 for row in order.periods.all()), Decimal(0)))


def quote_components(order: Order) -> list[dict[str, Any]]:
    """USAGE, and AVAILABILITY where standing ready is paid, of the quote."""
    asked = {row.start_at: row.ordered_kw for row in order.periods.all()}
    parts = quote(
        asked,
        utilisation_gbp_per_kwh=order.utilisation_price_gbp_per_kwh,
        availability_gbp_per_mw_h=order.availability_price_gbp_per_mw_h,
    )
    energy = f"{number(Decimal(ordered_wh(order)) / 1000)} kWh x {number(order.utilisation_price_gbp_per_kwh)}"
    lines = [component("USAGE", parts.usage_pence, energy)]
    if order.availability_price_gbp_per_mw_h:
        held = (
            f"{number(sum(asked.values(), Decimal(0)) / 2000)} MW h x {number(order.availability_price_gbp_per_mw_h)}"
        )
        lines.append(component("AVAILABILITY", parts.availability_pence, held))
    return lines


def order_contract(
    order: Order, *, seller: str, with_id: bool = True, statement: SettlementStatement | None = None
) -> dict[str, Any]:
    """The contract object of `order` as it stands. `with_id` is False in on_select, where no id exists yet.

    Its price is the quote until the order is settled, or its buyer is told of a `statement`; then it is what was settled.
    """
    rows = sorted(order.periods.all(), key=lambda row: row.start_at)
    offer = order.offer
    contract_status, commitment_status, price_status = STATUS[OrderState(order.state)]
    resource = f"{resource_id(offer.site)}-{str(offer.pk)[:8]}"
    price = price_specification(order.quote_pence, quote_components(order))
    if order.state == OrderState.CANCELLED:
        fee = order.cancellation_charged_pence or 0
        price = price_specification(fee, [component("CANCELLATION_FEE", fee, "as the terms say for this time")])
    settled = statement is not None or order.state == OrderState.SETTLED
    stand = standing_statements(order) if settled else []
    if stand:
        price = price_specification(buyer_pays(stand), statement_components(stand))
    body: dict[str, Any] = {
        "status": {"code": contract_status},
        "commitments": [
            {
                "id": COMMITMENT,
                "status": {"descriptor": {"code": commitment_status}},
                "resources": [
                    {
                        "id": resource,
                        "quantity": {"unitCode": "kW", "unitQuantity": number(max(r.ordered_kw for r in rows))},
                    }
                ],
                "offer": still_open(order)
                | {
                    "id": str(offer.pk),
                    "resourceIds": [resource],
                    "offerAttributes": offer_attributes(offer, seller=seller, buyer=order.buyer_subscriber_id),
                },
                "commitmentAttributes": time_series(
                    rows[0].start_at, {"CAPACITY_OFFERED": [r.ordered_kw for r in rows]}
                ),
            }
        ],
        "consideration": [
            {"id": "consideration-1", "status": {"code": price_status}, "considerationAttributes": price}
        ],
        "participants": [
            {"id": order.buyer_subscriber_id, "descriptor": {"code": "BUYER", "name": order.buyer_subscriber_id}},
            {"id": seller, "descriptor": {"code": "SELLER", "name": seller}},
            {
                "id": offer.site.organisation.slug,
                "descriptor": {"code": "ASSET_OPERATOR", "name": offer.site.organisation.name},
            },
        ],
        "contractAttributes": deg_contract(order, seller=seller, statements=stand),
    }
    return ({"id": str(order.pk)} if with_id else {}) | described(order) | body


def still_open(order: Order) -> dict[str, Any]:
    """Until when the buyer may take the quote, as the offer's validity; nothing once the order is confirmed or over."""
    if order.state not in {OrderState.DRAFT, OrderState.INITIALISED}:
        return {}
    return {"validity": {"startDate": instant(order.created_at), "endDate": instant(order.quote_expires_at)}}


def described(order: Order) -> dict[str, Any]:
    """The contract's descriptor: the order's document, and what its state alone does not tell; nothing where there is neither."""
    document = ContractDocument.objects.filter(order=order).order_by("-version").first()
    told = (document_descriptor(document) if document else {}) | note(order).get("descriptor", {})
    return {"descriptor": told} if told else {}


def note(order: Order) -> dict[str, Any]:
    """What the state alone does not tell the buyer: that the seller decides first, or why it did not sell."""
    if order.state == OrderState.PENDING and order.approve_by is not None:
        said = f"The seller decides by {instant(order.approve_by)}."
        return {"descriptor": {"code": "PENDING_APPROVAL", "shortDesc": said}}
    if order.refused_because:
        code = "DECLINED" if order.state == OrderState.CANCELLED else "EXPIRED"
        return {"descriptor": {"code": code, "shortDesc": order.refused_because}}
    return {}


def document_descriptor(document: ContractDocument) -> dict[str, Any]:
    """Where the buyer reads the order's contract document, also without an account here, and the hash of its bytes."""
    return {
        "name": f"Contract document, version {document.version}",
        "docs": [
            {
                "label": LABEL,
                "url": document_link(document),
                "mimeType": "application/json",
                "standard": TEMPLATE,
                "security": {"checksum": document.sha256, "checksumAlgorithm": "SHA256"},
            }
        ],
    }


def deg_contract(order: Order, *, seller: str, statements: Sequence[SettlementStatement]) -> dict[str, Any]:
    """DEGContract: who buys, who sells, which policy settles, and the revenue flows once known (they sum to zero)."""
    body: dict[str, Any] = {
        "@context": "https://schema.nfh.global/DEGContract/v2.0/context.jsonld",
        "@type": "DEGContract",
        "roles": [
            {"role": "buyer", "participantId": order.buyer_subscriber_id},
            {"role": "seller", "participantId": seller},
        ],
        "policy": {"url": policy.URL, "queryPath": policy.QUERY_PATH},
    }
    fee = order.cancellation_charged_pence if order.state == OrderState.CANCELLED else None
    if statements or fee:
        amount = pounds(buyer_pays(statements) if statements else fee or 0)
        body["revenueFlows"] = [
            {"role": "buyer", "participantId": order.buyer_subscriber_id, "value": -amount, "currency": "GBP"},
            {"role": "seller", "participantId": seller, "value": amount, "currency": "GBP"},
        ]
    return body


def standing_statements(order: Order) -> list[SettlementStatement]:
    """The statement of each dispatch of the order, or of the order itself, that nothing supersedes, in order of time."""
    rows = SettlementStatement.objects.filter(order=order, superseded_by__isnull=True)
    return list(rows.order_by("start_at", "activation_id"))


def buyer_pays(statements: Sequence[SettlementStatement]) -> int:
    """What the buyer pays for all of them, in pence."""
    return sum(statement.buyer_pence for statement in statements)


def statement_components(statements: Sequence[SettlementStatement]) -> list[dict[str, Any]]:
    """Lines of a settled price, as the statements have them; an imbalance is not the buyer's and is left out."""
    return [
        component(part["type"], part["pence"], part["description"])
        for statement in statements
        for part in statement.components
        if part["type"] not in NOT_THE_BUYERS
    ]


def performance_entry(activation: Activation, code: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """The entry of contract.performance for a stored activation; its status says why it gave way, if it did."""
    entry = performance_entry_of(activation.instruction_id, code, attributes)
    if activation.refused_because:
        entry["status"] = {"code": code, "shortDesc": activation.refused_because}
    return entry


def performance_entry_of(instruction_id: str, code: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """One entry of contract.performance."""
    return {
        "id": instruction_id,
        "status": {"code": code},
        "commitmentIds": [COMMITMENT],
        "performanceAttributes": attributes,
    }


@dataclass(frozen=True, slots=True)
class Asked:
    """What a buyer's select asks: which offer, how many kW, and in which half hours (None: all of the offer).

    `accept_counter` says that the buyer would take less: our own member of the buyer's inputs, `acceptCounterOffer`.
    """

    offer_id: str
    kw: Decimal
    periods: Mapping[datetime, Decimal] | None
    accept_counter: bool = False


def read_asked(message: Mapping[str, Any]) -> Asked:
    """Read offer id and power from a select or init. Raises MarketError naming the missing member."""
    try:
        commitment = message["contract"]["commitments"][0]
        quantity = commitment["resources"][0]["quantity"]
        kw = Decimal(str(quantity["unitQuantity"]))
        unit = str(quantity.get("unitCode", "kW"))
        offer_id = str(commitment["offer"]["id"])
    except (KeyError, IndexError, TypeError, InvalidOperation) as problem:
        raise MarketError(
            "SCH_REQUIRED_FIELD_MISSING",
            f"The contract has no readable commitments[0] with offer.id and resources[0].quantity ({problem}).",
            fix="Send one commitment with an offer id and a quantity in kW.",
        ) from problem
    if unit.lower() not in {"kw", "kwt"}:
        raise MarketError("SCH_INVALID_ENUM", f"The quantity is in {unit!r}.", fix="Give quantities in kW.")
    series = commitment.get("commitmentAttributes")
    periods = read_column(series, "CAPACITY_OFFERED") if series else None
    return Asked(offer_id, kw, periods, takes_less(commitment["offer"]))


def takes_less(offer: Mapping[str, Any]) -> bool:
    """Whether the buyer's inputs say `acceptCounterOffer: true`; anything else, or nothing, is no."""
    attributes = offer.get("offerAttributes")
    entries = attributes.get("inputs") if isinstance(attributes, Mapping) else None
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, Mapping) and entry.get("role") == "buyer" and isinstance(entry.get("inputs"), Mapping):
            return entry["inputs"].get("acceptCounterOffer") is True
    return False


def read_agreed_pence(message: Mapping[str, Any]) -> int | None:
    """The amount the buyer confirms, in pence, or None when the contract carries no consideration."""
    lines = message.get("contract", {}).get("consideration") or []
    if not lines:
        return None
    try:
        value = Decimal(str(lines[0]["considerationAttributes"]["value"])) * 100
    except (KeyError, TypeError, InvalidOperation) as problem:
        raise MarketError(
            "SCH_ATTRIBUTE_PACK_INVALID",
            "consideration[0].considerationAttributes.value is not an amount.",
            fix="Send the quote back.",
        ) from problem
    if value != value.to_integral_value():
        raise MarketError(
            "BIZ_PRICE_MISMATCH", f"{value} p is not a whole number of pence.", fix="Send the quote back."
        )
    return int(value)


def instant_of(text: Any, field: str) -> datetime:
    """An aware time from the wire, or MarketError naming the field."""
    moment: datetime | None = None
    with suppress(ValueError):
        moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    if moment is None or moment.tzinfo is None:
        raise MarketError(
            "SCH_INVALID_FORMAT",
            f"{field} is {text!r}, not a time with a zone.",
            fix="Write it like 2026-01-15T17:00:00Z.",
        )
    return moment
