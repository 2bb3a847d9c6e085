"""The deal: a contract in 2.0.0, an order in 1.1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from beckn.wire.v1 import descriptor, fulfilment, item, money, payment
from beckn.wire.v1.member import Object, obj, objs, some, text

# What a deal is, as against what has happened in it: an order that leaves these out means them as they were.
STANDING = ("id", "commitments", "consideration", "participants", "contractAttributes")
BUYER, OPERATOR = "BUYER", "ASSET_OPERATOR"
STATUSES = ("ACTIVE", "COMPLETE", "CANCELLED")


def to_v1(contract: Mapping[str, Any]) -> Object:
    """The order that a contract means."""
    status = text(obj(contract.get("status")).get("code"))
    commitments = objs(contract.get("commitments"))
    return some(
        id=text(contract.get("id")),
        status=status if status in STATUSES else "",
        type="DRAFT" if status == "DRAFT" else "",
        provider=provider_of(contract),
        items=item.items_of(commitments),
        offers=item.offers_of(commitments),
        billing=some(name=text(obj(participant(contract, BUYER).get("descriptor")).get("name"))),
        fulfillments=[fulfilment.to_v1(entry) for entry in objs(contract.get("performance"))],
        quote=money.quote_of(contract.get("consideration")),
        payments=[payment.to_v1(one) for one in objs(contract.get("settlements"))],
    )


def participant(contract: Mapping[str, Any], code: str) -> Object:
    """The first participant of that kind, or none."""
    found = (one for one in objs(contract.get("participants")) if obj(one.get("descriptor")).get("code") == code)
    return next(found, {})


def provider_of(contract: Mapping[str, Any]) -> Object:
    """Whose resources they are."""
    operator = participant(contract, OPERATOR)
    name = text(obj(operator.get("descriptor")).get("name"))
    return some(id=text(operator.get("id")), descriptor=some(name=name))


def to_v2(order: Object, context: Mapping[str, Any], contract: Mapping[str, Any] | None = None) -> Object:
    """The contract that an order means. `contract` is the deal as last spoken of, for what the order leaves out.

    `context` is the message's, of 1.1. Raises WireError naming a member that cannot be read.
    """
    known = {name: contract[name] for name in STANDING if name in contract} if contract else {}
    status = status_of(order)
    quote = obj(order.get("quote"))
    said = some(
        id=text(order.get("id")),
        status={"code": status},
        commitments=item.commitments_of(order, status),
        consideration=money.consideration_of(quote, status, "/message/order/quote") if quote else None,
        participants=participants_of(order, context),
        settlements=payment.settlements_of(order.get("payments"), "/message/order/payments"),
    )
    deal = known | said
    entries = fulfilment.performance_of(
        order.get("fulfillments"),
        sent_at=text(context.get("timestamp")),
        commitments=[text(one.get("id")) for one in objs(deal.get("commitments")) if one.get("id")],
    )
    return deal | some(performance=entries)


def status_of(order: Object) -> str:
    """Its status; an order without one is not agreed yet."""
    status = text(order.get("status")).upper()
    return status if status in STATUSES else "DRAFT"


def participants_of(order: Object, context: Mapping[str, Any]) -> list[Object]:
    """Who is named in it."""
    billing, provider = obj(order.get("billing")), obj(order.get("provider"))
    found = []
    if text(billing.get("name")):
        found.append(
            {"id": text(context.get("bap_id")), "descriptor": {"code": BUYER, "name": text(billing.get("name"))}}
        )
    if text(provider.get("id")):
        name = descriptor.to_v2(provider.get("descriptor")).get("name")
        found.append({"id": text(provider.get("id")), "descriptor": {"code": OPERATOR} | some(name=name)})
    return found
