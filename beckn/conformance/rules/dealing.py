"""A deal as the order rules make it: what is on sale, a draft of the least of it, and one step after another."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from beckn.conformance.exchange import Request
from beckn.conformance.kit import Deal, Kit, describe
from beckn.conformance.listener import Callback
from beckn.conformance.receipt import member
from beckn.conformance.rule import Failed, NotTested
from beckn.wire import body
from beckn.wire.errors import WireError

Told = dict[str, Any]
# Lines of a price that only say again what the other lines come to.
SUMS = frozenset({"SUBTOTAL", "TOTAL"})


class RefusedError(Exception):
    """The participant will not take a step; the text says why."""


def agree(kit: Kit) -> Deal:
    """Discover, select and init of the least of the first offer that can be had. Raises Failed or NotTested."""
    transaction_id = str(uuid.uuid4())
    reasons = []
    try:
        _, found = talk(kit, "discover", {"intent": {}}, transaction_id)
    except RefusedError as refusal:
        raise NotTested(str(refusal)) from refusal
    for offer, resource in on_sale(found):
        try:
            quoted = step(kit, "select", draft(kit, offer, resource), transaction_id)
            return Deal(transaction_id, quoted, step(kit, "init", quoted, transaction_id))
        except RefusedError as refusal:  # gone, or closed, since it was listed: there may be another
            reasons.append(str(refusal))
    raise NotTested(f"none of {len(reasons)} offers on sale could be ordered: {'; '.join(reasons[:3])}")


def step(kit: Kit, action: str, contract: Told, transaction_id: str) -> Told:
    """The contract that a step with this one is answered with."""
    _, told = talk(kit, action, {"contract": contract}, transaction_id)
    return contract_of(told, f"on_{action}")


def contract_of(told: Told, where: str) -> Told:
    """The contract in a callback. Raises Failed when there is none."""
    found = member(told, "message", "contract")
    if not isinstance(found, dict):
        raise Failed(f"{where} has no contract")
    return found


def talk(kit: Kit, action: str, message: Told, transaction_id: str) -> tuple[Request, Told]:
    """A request, and the body of its callback with exact numbers. Raises RefusedError, or Failed when it is owed one."""
    request = written(kit, action, message, transaction_id)
    answer = kit.send(request)
    if answer.status != 200:
        raise RefusedError(f"{action} was answered {describe(answer)}")
    found = kit.callbacks_to(request)
    if not found:
        raise Failed(f"{action} was acknowledged and not answered within {kit.patience.callback_s:g} s")
    told = exact(found[0])
    if "error" in told:
        raise RefusedError(f"{action} was refused: {member(told, 'error', 'message')}")
    return request, told


def written(kit: Kit, action: str, message: Told, transaction_id: str) -> Request:
    """A signed request of this deal; an amount is sent back digit for digit."""
    told = kit.told(action, message, transaction_id=transaction_id)
    return kit.sealed(told, body.dump(told), action=action)


def exact(callback: Callback) -> Told:
    """A callback's body with numbers as they are written. Raises Failed when it cannot be read."""
    try:
        return body.parse(callback.raw)
    except WireError as problem:
        raise Failed(f"{callback.action} cannot be read: {problem}") from problem


def on_sale(found: Told) -> Iterator[tuple[Told, Told]]:
    """Each offer with its first resource; what is shaped otherwise is another rule's affair."""
    for catalogue in objects(member(found, "message", "catalogs")):
        resources = {one["id"]: one for one in objects(catalogue.get("resources")) if isinstance(one.get("id"), str)}
        for offer in objects(catalogue.get("offers")):
            named = offer.get("resourceIds")
            ids = [one for one in named if isinstance(one, str)] if isinstance(named, list) else []
            known = [resources[one] for one in ids if one in resources]
            if "id" in offer and known:
                yield offer, known[0]


def objects(value: Any) -> list[Told]:
    """The objects in what should be a list of them."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def draft(kit: Kit, offer: Told, resource: Told) -> Told:
    """The contract that asks for the least of an offer."""
    said = [member(resource, "resourceAttributes", name) for name in ("minCapacityKw", "maxCapacityKw")]
    lowest, highest = (one if isinstance(one, int | Decimal) and one > 0 else None for one in said)
    least = lowest or min(1, highest or 1)
    roles = (("buyer", kit.main.subscriber_id), ("seller", kit.target.subscriber_id))
    return {
        "status": {"code": "DRAFT"},
        "commitments": [
            {
                "id": "commitment-1",
                "status": {"descriptor": {"code": "DRAFT"}},
                "resources": [{"id": resource["id"], "quantity": {"unitCode": "kW", "unitQuantity": least}}],
                "offer": {name: offer[name] for name in ("id", "resourceIds", "offerAttributes") if name in offer},
            }
        ],
        "contractAttributes": {
            "@context": "https://schema.nfh.global/DEGContract/v2.0/context.jsonld",
            "@type": "DEGContract",
            "roles": [{"role": role, "participantId": who} for role, who in roles],
            "policy": {"url": "https://conformance.example/none.json", "queryPath": "data.none"},
        },
    }


def price_of(contract: Told) -> Told:
    """The attributes of the first consideration. Raises NotTested when the contract names no price."""
    entries = contract.get("consideration")
    found = member(entries[0], "considerationAttributes") if isinstance(entries, list) and entries else None
    if not isinstance(found, dict) or "value" not in found:
        raise NotTested("the contract names no price")
    return found


def amount(value: Any) -> Decimal:
    """A number on the wire. Raises Failed for anything else."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or isinstance(value, bool):
        raise Failed(f"{value!r} stands where an amount belongs")
    return found


def sum_problem(price: Told) -> str:
    """Why a price's lines do not make its value, or nothing; a price without lines is one line."""
    lines = [one for one in objects(price.get("components")) if one.get("type") not in SUMS]
    total = sum((amount(one.get("value")) for one in lines), Decimal(0))
    if lines and total != amount(price["value"]):
        return f"its lines come to {total}, its value is {amount(price['value'])}"
    return ""
