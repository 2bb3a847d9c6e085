"""Selling once, at the price that was named. These rules buy, so they run only when whoever runs the kit says that it may."""

from __future__ import annotations

import copy
import time
from decimal import Decimal

from beckn.conformance.exchange import Request
from beckn.conformance.kit import Deal, Kit
from beckn.conformance.receipt import member
from beckn.conformance.rule import BPP, Failed, NotTested, Rule
from beckn.conformance.rules import dealing
from beckn.conformance.rules.dealing import Told
from beckn.conformance.speech import V2

PENNY = Decimal("0.01")
NOT_ASKED = "these rules buy; give --buy to let them"


def quoted(kit: Kit) -> None:
    """A quote adds up, and its terms do."""
    if not kit.buys:
        raise NotTested(NOT_ASKED, by_choice=True)
    kit.deal = dealing.agree(kit)
    for where, contract in (("on_select", kit.deal.quoted), ("on_init", kit.deal.terms)):
        if problem := dealing.sum_problem(dealing.price_of(contract)):
            raise Failed(f"{where}: {problem}")


def other_price(kit: Kit) -> None:
    """A buyer cannot name the price."""
    deal = agreed(kit)
    contract = copy.deepcopy(deal.terms)
    price = dealing.price_of(contract)
    price["value"] = dealing.amount(price["value"]) - PENNY
    price.pop("components", None)
    try:
        _, told = dealing.talk(kit, "confirm", {"contract": contract}, deal.transaction_id)
    except dealing.RefusedError:
        return
    raise Failed(
        f"a confirm at {price['value']} was answered {member(told, 'message', 'contract', 'status', 'code')!r}, "
        f"but the terms ask {dealing.price_of(deal.terms)['value']}"
    )


def confirmed(kit: Kit) -> None:
    """A sale is answered with the contract, in force."""
    deal = agreed(kit)
    try:
        kit.sale = dealing.talk(kit, "confirm", {"contract": deal.terms}, deal.transaction_id)
    except dealing.RefusedError as refusal:
        raise NotTested(str(refusal)) from refusal
    status = member(kit.sale[1], "message", "contract", "status", "code")
    if status != "ACTIVE":
        raise Failed(f"on_confirm says {status!r}, not ACTIVE")


def same_id(kit: Kit) -> None:
    """An order is found again by the id that its terms gave it."""
    _, told = sold(kit)
    named, held = agreed(kit).terms.get("id"), dealing.contract_of(told, "on_confirm").get("id")
    if not held or (named and named != held):
        raise Failed(f"on_init names the contract {named!r}, on_confirm {held!r}")


def same_price(kit: Kit) -> None:
    """What was agreed is what is owed, from the quote to the sale."""
    _, told = sold(kit)
    deal = agreed(kit)
    steps = {
        "on_select": deal.quoted,
        "on_init": deal.terms,
        "on_confirm": dealing.contract_of(told, "on_confirm"),
    }
    named = {where: dealing.amount(dealing.price_of(contract)["value"]) for where, contract in steps.items()}
    if len(set(named.values())) > 1:
        raise Failed(", ".join(f"{where} says {value}" for where, value in named.items()))


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
    first = dealing.contract_of(told, "on_confirm")
    try:
        _, again = dealing.talk(kit, "confirm", {"contract": first}, agreed(kit).transaction_id)
    except dealing.RefusedError:
        return
    second = dealing.contract_of(again, "on_confirm")
    if second.get("id") != first.get("id"):
        raise Failed(f"a second confirm made another order: {second.get('id')} after {first.get('id')}")
    if second.get("consideration") != first.get("consideration"):
        raise Failed(f"a second confirm changed the price: {second.get('consideration')!r}"[:300])


def agreed(kit: Kit) -> Deal:
    """The terms of this run."""
    if kit.deal is None:
        raise NotTested("no terms were agreed" if kit.buys else NOT_ASKED, by_choice=not kit.buys)
    return kit.deal


def sold(kit: Kit) -> tuple[Request, Told]:
    """The sale of this run."""
    if kit.sale is None:
        raise NotTested("nothing was sold" if kit.buys else NOT_ASKED, by_choice=not kit.buys)
    return kit.sale


RULES = (
    Rule("order-quote", "The lines of a quote add up to its value.", quoted, V2, BPP),
    Rule("order-price", "A confirm at another price than the terms' is refused.", other_price, V2, BPP),
    Rule("order-confirmed", "A confirmed contract is answered as ACTIVE.", confirmed, V2, BPP),
    Rule("order-id", "An order keeps the id that its terms gave it.", same_id, V2, BPP),
    Rule("order-amount", "Quote, terms and sale name the same amount.", same_price, V2, BPP),
    Rule("order-replayed", "A confirm that is sent again is answered once.", replayed, V2, BPP),
    Rule("order-once", "A second confirm of the same contract makes no second order.", asked_again, V2, BPP),
)
