"""The buyer's side of the wire: messages a grid operator sends, built from what the seller last sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from marketplace.models import Purchase
from marketplace.rules.errors import MarketError
from marketplace.rules.product_terms import MECHANISMS
from marketplace.wire import policy
from marketplace.wire.activation import flex_activation
from marketplace.wire.contract import COMMITMENT, performance_entry_of
from marketplace.wire.series import number, read_column


def exact(value: Any) -> Any:
    """A stored JSON tree with its numbers as Decimal again: JSON columns hold them as strings tagged by freeze()."""
    if isinstance(value, dict):
        if set(value) == {"$decimal"}:
            return number(Decimal(value["$decimal"]))
        return {key: exact(item) for key, item in value.items()}
    return [exact(item) for item in value] if isinstance(value, list) else value


def freeze(value: Any) -> Any:
    """A JSON tree that a JSON column keeps exactly: Decimals become {"$decimal": "..."}."""
    if isinstance(value, Decimal):
        return {"$decimal": str(value)}
    if isinstance(value, Mapping):
        return {str(key): freeze(item) for key, item in value.items()}
    return [freeze(item) for item in value] if isinstance(value, list | tuple) else value


def select_message(
    *,
    offer: Mapping[str, Any],
    resource_id: str,
    kw: Decimal,
    buyer: str,
    seller: str,
    accept_counter: bool = False,
) -> dict[str, Any]:
    """A select for `kw` of a catalogue offer, in all its half hours; with `accept_counter` the buyer would take less."""
    wanted = {key: offer[key] for key in ("id", "resourceIds", "offerAttributes") if key in offer}
    if accept_counter:
        wanted["offerAttributes"] = taking_less(wanted.get("offerAttributes"), buyer)
    return {
        "contract": {
            "status": {"code": "DRAFT"},
            "commitments": [
                {
                    "id": COMMITMENT,
                    "status": {"descriptor": {"code": "DRAFT"}},
                    "resources": [{"id": resource_id, "quantity": {"unitCode": "kW", "unitQuantity": number(kw)}}],
                    "offer": wanted,
                }
            ],
            "contractAttributes": {
                "@context": "https://schema.nfh.global/DEGContract/v2.0/context.jsonld",
                "@type": "DEGContract",
                "roles": [{"role": "buyer", "participantId": buyer}, {"role": "seller", "participantId": seller}],
                "policy": {"url": policy.URL, "queryPath": policy.QUERY_PATH},
            },
        }
    }


def taking_less(attributes: Any, buyer: str) -> dict[str, Any]:
    """The seller's terms with our own inputs beside them, which say that a counter-offer is welcome."""
    ours = {"role": "buyer", "participantId": buyer, "inputs": {"acceptCounterOffer": True}}
    given = dict(attributes) if isinstance(attributes, Mapping) else {}
    others = [entry for entry in given.get("inputs") or [] if entry.get("role") != "buyer"]
    return given | {"inputs": [*others, ours]}


def contract_message(purchase: Purchase) -> dict[str, Any]:
    """The seller's last contract sent back, for init, confirm, status and cancel."""
    contract = exact(purchase.contract)
    contract.pop("performance", None)
    contract.pop("settlements", None)
    return {"contract": contract}


def dispatch_message(
    purchase: Purchase, *, instruction_id: str, issued_at: datetime, ack_by: datetime
) -> dict[str, Any]:
    """An update that dispatches everything ordered."""
    message = contract_message(purchase)
    commitment = message["contract"]["commitments"][0]
    ordered = read_column(commitment["commitmentAttributes"], "CAPACITY_OFFERED")
    attributes = flex_activation(
        instruction_id=instruction_id,
        mechanism=MECHANISMS.get(str(product_of(message["contract"]).get("regulatoryBasis")), "NONE"),
        requested_kw=ordered,
        issued_at=issued_at,
        ack_by=ack_by,
        meter=meter_of(commitment),
    )
    message["contract"]["performance"] = [performance_entry_of(instruction_id, "ACTIVATION_REQUESTED", attributes)]
    return message


def product_of(contract: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the seller's terms say it is sold as; empty where they say nothing."""
    try:
        inputs = contract["commitments"][0]["offer"]["offerAttributes"]["inputs"]
        seller = next(one for one in inputs if one["role"] == "seller")
        told = seller["inputs"]["product"]
    except (KeyError, IndexError, StopIteration, TypeError):
        return {}
    return told if isinstance(told, Mapping) else {}


def meter_of(commitment: Mapping[str, Any]) -> str:
    """The meter the seller named in its offer terms, or a clear error."""
    try:
        seller = next(i for i in commitment["offer"]["offerAttributes"]["inputs"] if i["role"] == "seller")
        return str(seller["inputs"]["participatingMeters"][0])
    except (KeyError, IndexError, StopIteration, TypeError) as problem:
        raise MarketError(
            "SCH_ATTRIBUTE_PACK_INVALID", "The seller's terms name no meter.", fix="Ask the seller."
        ) from problem


def find_offer(catalogs: list[dict[str, Any]], offer_id: str) -> tuple[dict[str, Any], str, str]:
    """(offer, resource id, seller subscriber id) of `offer_id` in a catalogue answer, or MarketError."""
    for catalogue in catalogs or []:
        for offer in catalogue.get("offers") or []:
            if offer.get("id") == offer_id:
                return offer, str(offer["resourceIds"][0]), str(catalogue.get("bppId", ""))
    raise MarketError("BIZ_OFFER_NOT_FOUND", f"The catalogue has no offer {offer_id}.", fix="Search again.")


def direction_of(catalogs: list[dict[str, Any]], resource_id: str) -> str:
    """REDUCE or INCREASE as the catalogue says of a resource; empty where it says neither."""
    for catalogue in catalogs or []:
        for resource in catalogue.get("resources") or []:
            if resource.get("id") == resource_id:
                told = (resource.get("resourceAttributes") or {}).get("direction")
                return str(told) if told in ("REDUCE", "INCREASE") else ""
    return ""
