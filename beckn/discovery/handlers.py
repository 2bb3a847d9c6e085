"""The discovery service's messages that are answered by a callback: discover, catalog/publish, catalog/pull.

They run in the worker, inside one transaction with the inbox and the outbox, like an application's handlers (beckn.ports).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.utils import timezone

from beckn import registry
from beckn.discovery import clock, pulls, subscriptions
from beckn.discovery.publication import publish
from beckn.discovery.search import search
from beckn.ports import Actions, Message, Refusal, Reply
from beckn.wire.errors import WireError
from beckn.wire.intent import Asker


def refusing(handler: Callable[[Message], Reply]) -> Callable[[Message], Reply]:
    """Turn what a message gets wrong into a refusal."""

    @wraps(handler)
    def answer(message: Message) -> Reply:
        try:
            return handler(message)
        except WireError as problem:
            raise Refusal(problem.code, problem.message, {"path": problem.path}) from problem

    return answer


def asker_of(message: Message) -> Asker:
    """Who asks."""
    return Asker(message.subscriber_id, str(message.context["networkId"]))


@refusing
def discover(message: Message) -> Reply:
    """Everything on the network that the intent asks for; what does not fit into one answer is counted in its error."""
    found = search(message.message, message.context, asker=asker_of(message), now=clock.now())
    return Reply({"catalogs": found.catalogs}, cut_short(found.returned, found.matched))


def cut_short(returned: int, matched: int) -> dict[str, Any] | None:
    """The error that stands beside an answer which is not all there is."""
    if returned == matched:
        return None
    text = f"{returned} of {matched} matching resources fit into one answer; narrow the intent to see the others."
    return error_of("BIZ_GENERIC_ERROR", text, {"returned": returned, "matched": matched})


def error_of(code: str, text: str, details: dict[str, Any]) -> dict[str, Any]:
    """An error in both spellings."""
    return {"errorCode": code, "errorMessage": text, "code": code, "message": text, "details": details}


@refusing
def catalog_publish(message: Message) -> Reply:
    """Store each catalogue, and send it to those who subscribed."""
    publisher = registry.peer(message.subscriber_id, role="bpp", now=timezone.now()).party
    network_id = str(message.context["networkId"])
    results = []
    for told in message.message["catalogs"]:
        done = publish(told, publisher=publisher, network_id=network_id, now=clock.now())
        results.append(done.result)
        if done.row is not None:
            subscriptions.deliver(done.row, now=clock.now())
    return Reply({"results": results})


def catalog_pull(message: Message) -> Reply:
    """Put together what was asked for, keep it to be fetched, and send it along where it fits into a message."""
    request_id = uuid.UUID(message.context["messageId"])
    try:
        made = pulls.make(message.message, request_id=request_id, asker=asker_of(message), now=clock.now())
    except WireError as problem:
        failed = {"requestId": str(request_id), "status": "FAILED"}
        return Reply(failed, error_of(problem.code, problem.message, {"path": problem.path}))
    return Reply(pulls.announcement(made, base_url=settings.BECKN_PARTICIPANTS["ds"]["url"].rstrip("/")))


ACTIONS: Actions = {"discover": discover, "catalog/publish": catalog_publish, "catalog/pull": catalog_pull}
