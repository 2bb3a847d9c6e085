"""The buyer's door on the Beckn network: a seller's callbacks, written into the buyer's records."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime

from beckn.ports import Message, Refusal, Reply
from marketplace import clock
from marketplace.rules.errors import MarketError
from marketplace.usecases.keep_reply import keep_reply
from marketplace.usecases.receive_answer import give_up_search, receive_answer, receive_catalogue

Handler = Callable[[Message], Reply | None]


def on_discover(message: Message) -> None:
    """A catalogue answer: to a search, to a pull that a message could carry, or to what was subscribed to."""
    transaction_id = uuid.UUID(message.context["transactionId"])
    try:
        receive_catalogue(
            transaction_id=transaction_id,
            catalogs=message.message.get("catalogs") or [],
            error=message.error,
            now=clock.now(),
        )
    except MarketError as problem:
        raise Refusal(problem.code, str(problem), problem.details) from problem


def on_contract(message: Message) -> None:
    """Any callback that carries a contract, or a refusal in its place."""
    try:
        receive_answer(
            action=message.action,
            seller_subscriber_id=message.subscriber_id,
            transaction_id=uuid.UUID(message.context["transactionId"]),
            contract=message.message.get("contract") or {},
            error=message.error,
            told_at=told_at(message),
            now=clock.now(),
        )
    except MarketError as problem:
        raise Refusal(problem.code, str(problem), problem.details) from problem


def told_at(message: Message) -> datetime | None:
    """When the seller made the message, as its context says; None where that cannot be read."""
    try:
        moment = datetime.fromisoformat(str(message.context.get("timestamp")))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def on_reply(message: Message) -> None:
    """Where a delivery stands, that a rating was kept, or where a question is followed up."""
    try:
        keep_reply(
            action=message.action,
            seller_subscriber_id=message.subscriber_id,
            transaction_id=uuid.UUID(message.context["transactionId"]),
            message=message.message,
            error=message.error,
            message_id=str(message.context.get("messageId", "")),
            told_at=told_at(message),
            now=clock.now(),
        )
    except MarketError as problem:
        raise Refusal(problem.code, str(problem), problem.details) from problem


def on_undeliverable(message: Message, code: str, text: str) -> None:
    """A request of ours that the seller's side refused to take, or that never arrived: no callback will come for it.

    The purchase falls back as after a refusal. A search says why it will not be answered.
    """
    if message.action == "discover":
        give_up_search(transaction_id=uuid.UUID(message.context["transactionId"]), code=code, text=text)
    if "contract" in message.message:
        receive_answer(
            action=f"on_{message.action}",
            seller_subscriber_id=message.subscriber_id,
            transaction_id=uuid.UUID(message.context["transactionId"]),
            contract={},
            error={"errorCode": code, "errorMessage": text},
            now=clock.now(),
        )
    elif message.action in ("track", "rate", "support"):
        keep_reply(
            action=f"on_{message.action}",
            seller_subscriber_id=message.subscriber_id,
            transaction_id=uuid.UUID(message.context["transactionId"]),
            message={},
            error={"errorCode": code, "errorMessage": text},
            message_id=str(message.context.get("messageId", "")),
            now=clock.now(),
        )


ACTIONS: dict[str, Handler] = {
    **dict.fromkeys(["on_discover", "on_catalog_pull"], on_discover),
    **dict.fromkeys(["on_track", "on_rate", "on_support"], on_reply),
    **dict.fromkeys(["on_select", "on_init", "on_confirm", "on_update", "on_status", "on_cancel"], on_contract),
}
