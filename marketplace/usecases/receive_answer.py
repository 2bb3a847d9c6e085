"""Write a seller's callback into the buyer's records: a catalogue, a quote, terms, a confirmation, delivery, settlement."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from marketplace import notify
from marketplace.models import Purchase, SearchResult
from marketplace.rules.errors import MarketError
from marketplace.usecases.keep_delivery import keep_delivery
from marketplace.wire.contract import read_agreed_pence
from marketplace.wire.purchase import freeze

State = Purchase.State
# What each callback moves a purchase to, by the state it waits in. A late or repeated callback only refreshes the contract.
MOVES: dict[str, dict[str, str]] = {
    "on_select": {State.QUOTING: State.QUOTED},
    "on_init": {State.INITIALISING: State.INITIALISED},
    "on_confirm": {State.CONFIRMING: State.CONFIRMED},
    "on_cancel": dict.fromkeys([State.INITIALISED, State.CONFIRMING, State.CONFIRMED], State.CANCELLED),
}
# on_update and on_status say where the activation stands.
BY_PERFORMANCE = {"ACTIVATION_ACCEPTED": State.ACTIVE, "DELIVERY_COMPLETE": State.DELIVERED, "SETTLED": State.SETTLED}
WAITS = "PENDING_APPROVAL"  # our own code in contract.descriptor, which has no place of its own in Beckn
BY_CONTRACT = {"ACTIVE": State.CONFIRMED, "COMPLETE": State.CONFIRMED, "CANCELLED": State.REFUSED}
ORDERED = [State.CONFIRMED, State.DISPATCHING, State.ACTIVE, State.DELIVERED, State.SETTLED]
# Where a refused step falls back to, so that the buyer can put it right and try again.
MOST_COUNTED = 10**12  # a count beyond it is nobody's catalogue
AFTER_REFUSAL = {
    State.QUOTING: State.REFUSED,
    State.INITIALISING: State.QUOTED,
    State.CONFIRMING: State.REFUSED,
    State.DISPATCHING: State.CONFIRMED,
}


def receive_catalogue(
    *,
    transaction_id: uuid.UUID,
    catalogs: list[dict[str, Any]],
    error: Mapping[str, Any] | None = None,
    now: datetime,
) -> None:
    """Store what a discover brought back, and why it is less than was asked for, if it is.

    An answer nobody asked for is refused with CTX_TRANSACTION_ID_UNKNOWN.
    """
    with transaction.atomic():
        result = SearchResult.objects.select_for_update(of=("self",)).filter(transaction_id=transaction_id).first()
        if result is None:
            raise MarketError("CTX_TRANSACTION_ID_UNKNOWN", "No search of ours has this transaction.")
        result.catalogs = freeze(catalogs)
        result.refusal = refusal_of(error) | counts_of(error) if error else {}
        result.answered_at = now
        result.save(update_fields=["catalogs", "refusal", "answered_at"])
        notify.changed(f"search:{result.transaction_id}", "catalogue")


def give_up_search(*, transaction_id: uuid.UUID, code: str, text: str) -> None:
    """A discover that was not taken, or never arrived: nobody will answer. What was answered before stays."""
    with transaction.atomic():
        changed = SearchResult.objects.filter(transaction_id=transaction_id, answered_at=None).update(
            refusal={"code": code, "message": text}
        )
        if changed:
            notify.changed(f"search:{transaction_id}", "catalogue")


def refusal_of(error: Mapping[str, Any]) -> dict[str, str]:
    """A callback's error, in either spelling, as it is kept."""
    return {
        "code": str(error.get("errorCode", error.get("code", ""))),
        "message": str(error.get("errorMessage", error.get("message", ""))),
    }


def counts_of(error: Mapping[str, Any]) -> dict[str, int]:
    """`returned` and `matched` of an error that says how many of how many resources came; nothing where it does not."""
    details = error.get("details")
    told = details if isinstance(details, Mapping) else {}
    returned, matched = told.get("returned"), told.get("matched")
    if type(returned) is not int or type(matched) is not int or not 0 <= returned < matched < MOST_COUNTED:
        return {}
    return {"returned": returned, "matched": matched}


def receive_answer(
    *,
    action: str,
    seller_subscriber_id: str,
    transaction_id: uuid.UUID,
    contract: Mapping[str, Any],
    error: Mapping[str, Any] | None,
    told_at: datetime | None = None,
    now: datetime,
) -> None:
    """Move the purchase of this transaction as the callback says, and keep what it reports of a delivery.

    `told_at` is when the seller made the message, `now` where it is not known. Raises MarketError for a stranger's
    transaction or no amount.
    """
    with transaction.atomic():
        purchase = purchase_of(transaction_id, seller_subscriber_id)
        if error:
            purchase.refusal = refusal_of(error)
            purchase.state = AFTER_REFUSAL.get(State(purchase.state), purchase.state)
        else:
            accept(purchase, action, contract)
            keep_delivery(purchase=purchase, contract=contract, told_at=told_at or now, now=now)
        purchase.updated_at = now
        purchase.save()
        notify.changed(f"purchase:{purchase.pk}", f"orders:{purchase.organisation.slug}")


def purchase_of(transaction_id: uuid.UUID, seller_subscriber_id: str) -> Purchase:
    """The purchase of a transaction with this seller, locked; a stranger's transaction looks the same as an unknown one."""
    purchase = (
        Purchase.objects.select_for_update(of=("self",))
        .select_related("organisation")
        .filter(transaction_id=transaction_id, seller_subscriber_id=seller_subscriber_id)
        .first()
    )
    if purchase is None:
        raise MarketError("CTX_TRANSACTION_ID_UNKNOWN", "No purchase from this seller has this transaction.")
    return purchase


def accept(purchase: Purchase, action: str, contract: Mapping[str, Any]) -> None:
    """Take a contract over. Terms that ask another amount than was quoted are a new quote: the buyer decides again."""
    waited_in, amount = State(purchase.state), read_agreed_pence({"contract": contract})
    purchase.refusal = {}
    purchase.state = next_state(action, waited_in, contract)
    purchase.contract = freeze(contract)
    purchase.contract_id = str(contract.get("id", purchase.contract_id))
    if waited_in == State.CONFIRMING and purchase.state == State.REFUSED:
        purchase.refusal = {"code": code_of(contract), "message": reason_of(contract)}
    if waited_in == State.INITIALISING and action == "on_init" and amount not in (None, purchase.quote_pence):
        purchase.refusal = {
            "code": "BIZ_PRICE_MISMATCH",
            "message": f"The terms ask {amount} p; the quote was {purchase.quote_pence} p.",
        }
        purchase.state = State.QUOTED
        waited_in = State.QUOTING
    if waited_in == State.QUOTING:
        purchase.quote_pence = amount


def decided(action: str, state: Purchase.State, contract: Mapping[str, Any]) -> str:
    """What became of a confirmation: the seller may ask a person first, and say later by on_status what came of it."""
    status = str((contract.get("status") or {}).get("code", ""))
    if action == "on_confirm":
        waits = code_of(contract) == WAITS
        return state if waits else State.REFUSED if status == "CANCELLED" else State.CONFIRMED
    return BY_CONTRACT.get(status, state)


def code_of(contract: Mapping[str, Any]) -> str:
    """The seller's code for why it did not sell."""
    return str((contract.get("descriptor") or {}).get("code", "")) or "CANCELLED"


def reason_of(contract: Mapping[str, Any]) -> str:
    """The seller's sentence on why it did not sell."""
    return str((contract.get("descriptor") or {}).get("shortDesc", "")) or "The seller did not accept the order."


def next_state(action: str, state: Purchase.State, contract: Mapping[str, Any]) -> str:
    """The state after a callback. Callbacks may repeat and overtake each other; a purchase never goes back.

    But for its only dispatch: a seller may take that back before it begins, where another instruction goes first.
    """
    if state == State.CONFIRMING and action in {"on_confirm", "on_status", "on_update"}:
        return decided(action, state, contract)
    if action in MOVES:
        return MOVES[action].get(state, state)
    codes = [entry.get("status", {}).get("code", "") for entry in contract.get("performance") or []]
    told = [BY_PERFORMANCE[code] for code in codes if code in BY_PERFORMANCE]
    taken_back = action == "on_update" and set(codes) == {"ACTIVATION_REJECTED"} and state == State.ACTIVE
    if taken_back or ("ACTIVATION_REJECTED" in codes and state == State.DISPATCHING):
        return State.CONFIRMED
    if not codes and state == State.CONFIRMED and (contract.get("status") or {}).get("code") == "COMPLETE":
        return State.SETTLED  # it stood ready and was never called, so that no performance says so
    reached = [one for one in told if state in ORDERED and ORDERED.index(one) > ORDERED.index(state)]
    return max(reached, key=ORDERED.index) if reached else state
