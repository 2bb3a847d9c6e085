"""The buyer's next step on a purchase: agree terms, confirm, dispatch, ask for status or cancel.

One verb with five words, because the five differ only in the message sent and the state waited in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from beckn import outbox
from marketplace import notify
from marketplace.models import Purchase, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.roles import Action, require
from marketplace.wire.purchase import contract_message, dispatch_message, exact, product_of

ANSWER_WITHIN = timedelta(minutes=5)
State = Purchase.State


@dataclass(frozen=True, slots=True)
class Step:
    """A word of the buyer: the Beckn action, the states it may be said in, and the state it waits in (None: no change)."""

    action: str
    allowed: frozenset[str]
    waits_in: str | None


STEPS = {
    "initialise": Step("init", frozenset({State.QUOTED}), State.INITIALISING),
    "confirm": Step("confirm", frozenset({State.INITIALISED}), State.CONFIRMING),
    "dispatch": Step("update", frozenset({State.CONFIRMED}), State.DISPATCHING),
    "status": Step("status", frozenset({State.CONFIRMED, State.ACTIVE, State.DELIVERED, State.SETTLED}), None),
    "cancel": Step("cancel", frozenset({State.INITIALISED, State.CONFIRMING, State.CONFIRMED}), None),
}


def advance_purchase(*, purchase: Purchase, step: str, user: User | None = None, now: datetime) -> Purchase:
    """Send the signed message of `step` and wait for the seller's callback; saying it twice sends it once.

    Raises MarketError when the purchase is not in a state for it, or the user may not buy.
    """
    wanted = STEPS[step]
    with transaction.atomic():
        purchase = Purchase.objects.select_for_update(of=("self",)).select_related("organisation").get(pk=purchase.pk)
        if user is not None:
            require(role_of(user, purchase.organisation), Action.BUY)
        if wanted.waits_in is not None and purchase.state == wanted.waits_in:
            return purchase
        if purchase.state not in wanted.allowed:
            raise MarketError(
                "BIZ_INVALID_STATE_TRANSITION",
                f"This purchase is {purchase.get_state_display().lower()}, so it cannot take {step!r}.",
                fix="Look at its state and take the step shown there.",
            )
        if step == "dispatch":
            check_dispatched_by_message(purchase)
        outbox.send(
            role="bap",
            action=wanted.action,
            message=message_for(purchase, step, now=now),
            to=purchase.seller_subscriber_id,
            transaction_id=purchase.transaction_id,
        )
        if wanted.waits_in is not None:
            purchase.state = wanted.waits_in
        purchase.updated_at = now
        purchase.save(update_fields=["state", "updated_at"])
        notify.changed(f"purchase:{purchase.pk}", f"orders:{purchase.organisation.slug}")
    return purchase


def check_dispatched_by_message(purchase: Purchase) -> None:
    """Raise POL_UPDATE_NOT_ALLOWED for a product whose schedule is the instruction."""
    told = product_of(exact(purchase.contract))
    if told.get("dispatch", "INSTRUCTION") != "INSTRUCTION":
        raise MarketError(
            "POL_UPDATE_NOT_ALLOWED",
            f"{told.get('name', told.get('key'))} needs no dispatch: what was ordered is delivered as it was agreed.",
            fix="Wait for the window; delivery and settlement follow by themselves.",
        )


def message_for(purchase: Purchase, step: str, *, now: datetime) -> dict[str, Any]:
    """The body of the step's message."""
    if step == "dispatch":
        return dispatch_message(
            purchase, instruction_id=f"dispatch-{str(purchase.pk)[:8]}-1", issued_at=now, ack_by=now + ANSWER_WITHIN
        )
    return contract_message(purchase)
