"""Selling once. These rules buy, so they run only when whoever runs the kit says that it may."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any

from beckn.conformance.exchange import Request
from beckn.conformance.kit import Kit, describe
from beckn.conformance.receipt import member
from beckn.conformance.rule import BPP, Failed, NotTested, Rule
from beckn.conformance.speech import V2

Told = dict[str, Any]
NOT_ASKED = "these rules buy; give --buy to let them"


def deal(kit: Kit) -> tuple[Request, Told]:
    """A confirm that was answered and its on_confirm: discover, select, init and confirm of the smallest quantity."""
    if not kit.buys:
        raise NotTested(NOT_ASKED, by_choice=True)
    transaction_id = str(uuid.uuid4())
    _, found = talk(kit, "discover", {"intent": {}}, transaction_id)
    reasons = []
    for offer, resource in on_sale(found):
        contract = draft(kit, offer, resource)
        try:
            for action in ("select", "init"):
                _, answer = talk(kit, action, {"contract": contract}, transaction_id)
                contract = answer["message"]["contract"]
        except NotTested as refusal:  # gone, or closed, since it was listed: there may be another
            reasons.append(str(refusal))
            continue
        return talk(kit, "confirm", {"contract": contract}, transaction_id)
    raise NotTested(f"none of {len(reasons)} offers on sale could be ordered: {'; '.join(reasons[:3])}")


def talk(kit: Kit, action: str, message: Told, transaction_id: str) -> tuple[Request, Told]:
    """A request, and the body of its callback."""
    request = kit.sealed(kit.told(action, message, transaction_id=transaction_id), action=action)
    answer = kit.send(request)
    if answer.status != 200:
        raise NotTested(f"{action} was answered {describe(answer)}")
    found = kit.callbacks_to(request)
    if not found:
        raise NotTested(f"{action} had no callback")
    if "error" in found[0].told:
        raise NotTested(f"{action} was refused: {member(found[0].told, 'error', 'message')}")
    return request, found[0].told


def on_sale(found: Told) -> Iterator[tuple[Told, Told]]:
    """Each offer with its first resource."""
    for catalogue in member(found, "message", "catalogs") or []:
        resources = {one["id"]: one for one in catalogue.get("resources") or []}
        for offer in catalogue.get("offers") or []:
            for name in offer.get("resourceIds") or []:
                if name in resources:
                    yield offer, resources[name]
                    break


def draft(kit: Kit, offer: Told, resource: Told) -> Told:
    """The contract that asks for the least of an offer."""
    attributes = resource.get("resourceAttributes") or {}
    least = attributes.get("minCapacityKw") or min(1, attributes.get("maxCapacityKw") or 1)
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


def confirmed(kit: Kit) -> None:
    """A sale is answered with the contract, in force."""
    kit.sale = deal(kit)
    _, told = kit.sale
    status = member(told, "message", "contract", "status", "code")
    if status != "ACTIVE":
        raise Failed(f"on_confirm says {status!r}, not ACTIVE")


def replayed(kit: Kit) -> None:
    """The same confirm, signed again, sells nothing again."""
    request, _ = sold(kit)
    kit.accepted(kit.sealed({"context": {}}, request.raw, action="confirm"), "the same confirm again")
    time.sleep(kit.patience.settle_s)
    found = kit.listener.of(request.message_id)
    if len(found) != 1:
        raise Failed(f"{len(found)} callbacks came for one confirm")


def asked_again(kit: Kit) -> None:
    """Another confirm of the same contract is refused, or answered with the order there is."""
    _, told = sold(kit)
    contract = told["message"]["contract"]
    transaction_id = told["context"]["transactionId"]
    again = kit.sealed(kit.told("confirm", {"contract": contract}, transaction_id=transaction_id), action="confirm")
    if kit.send(again).status != 200:
        return
    found = kit.callbacks_to(again)
    if not found:
        raise Failed("a second confirm was acknowledged and never answered")
    second = member(found[0].told, "message", "contract", "id")
    if "error" not in found[0].told and second != contract.get("id"):
        raise Failed(f"a second confirm made another order: {second} after {contract.get('id')}")


def sold(kit: Kit) -> tuple[Request, Told]:
    """The sale of this run."""
    if kit.sale is None:
        raise NotTested("nothing was sold" if kit.buys else NOT_ASKED, by_choice=not kit.buys)
    return kit.sale


RULES = (
    Rule("order-confirmed", "A confirmed contract is answered as ACTIVE.", confirmed, V2, BPP),
    Rule("order-replayed", "A confirm that is sent again is answered once.", replayed, V2, BPP),
    Rule("order-once", "A second confirm of the same contract makes no second order.", asked_again, V2, BPP),
)
