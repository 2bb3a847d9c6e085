"""What an application has us say: judged, said again in our own words, signed, and delivered at once or by the outbox.

The bytes it sends are never signed. What is signed is written anew: a context of our own (who we are, to whom the registry
says it goes, when), and the message, read strictly and shaped as our schemas want it. Of the application's context only its
two ids stay, and members that say what a search is about. Why that is no signing oracle: docs/decisions/0015.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction

from beckn import outbox, registry
from beckn.adapter import routing
from beckn.models import InboxMessage, OutboxMessage
from beckn.outbox import LEASE, OutboundError
from beckn.wire import actions, body, context, receipts, tolerance
from beckn.wire.actions import Action
from beckn.wire.errors import WireError

State = OutboxMessage.State
KEPT = {"schemaContext": list, "domain": str, "location": dict}  # of the application's context, beside its ids
NAMES = {list: "array", str: "string", dict: "object"}
UNASKED = frozenset({"on_status", "on_update", "on_cancel"})  # a seller may send these without being asked
SERVICE = "ds"


@dataclass(frozen=True, slots=True)
class Said:
    """What became of a message: the HTTP status and body for the application, and whether the peer signed its receipt."""

    status: int
    body: bytes
    proof: str = ""


def action_of(word: str, role: str) -> Action:
    """The action that `role` sends and `word` in the address means. Raises WireError."""
    found = actions.ACTIONS.get(word) or actions.ACTIONS.get(tolerance.ALIASES.get(word, ""))
    if found is None or role not in found.senders:
        raise WireError("NET_NOT_IMPLEMENTED", f"A {role} sends no {word}.", "/context/action", 404)
    if not found.answer and not found.is_callback:
        raise WireError("NET_NOT_IMPLEMENTED", f"{word} is answered at once and not carried here.", "/context/action")
    return found


def say(raw: bytes, *, role: str, word: str, now: datetime) -> tuple[int, bool]:
    """Store what `raw` asks for, once; returns its outbox row and whether it is new and waits for `deliver`.

    Raises WireError for everything that is not said in our name.
    """
    spec = action_of(word, role)
    told = body.parse(raw)
    head = told.get("context")
    if not isinstance(head, dict):
        raise WireError("CTX_MISSING_FIELD", "The body has no context object.", "/context")
    if head.get("try"):
        raise context.refused("CTX_INVALID_FIELD", "try", "asks for a preview, which is not carried here")
    check_body(told, spec)
    tolerance.forgive(told, action=spec.name, profile="lts", sides=(role, ""))
    for name in ("transactionId", "messageId"):
        context.check_uuid(context.text(head, name), name)
    digest = hashlib.blake2b(raw, digest_size=64).hexdigest()
    found = copy_of(role, spec, uuid.UUID(head["messageId"]), digest)
    if found is not None:
        return found, False
    check(head, spec, role, now)
    try:
        with transaction.atomic():
            return store(told, spec, role, digest, now), True
    except IntegrityError as copied:  # a copy came at the same moment, and was first
        found = copy_of(role, spec, uuid.UUID(head["messageId"]), digest)
        if found is None:
            raise WireError("NET_INTERNAL_ERROR", "The message could not be stored.", http_status=503) from copied
        return found, False


def check_body(told: Mapping[str, Any], spec: Action) -> None:
    """Raise WireError unless there is something to say: a message, or, in a callback, an error in its place."""
    if not isinstance(told.get("error", {}), dict):
        raise WireError("SCH_TYPE_NOT_SUPPORTED", "At /error: it is not an object.", "/error")
    if not told.get("message") and not (spec.is_callback and told.get("error")):
        raise WireError("SCH_REQUIRED_FIELD_MISSING", "At /message: it is missing or empty.", "/message")


def copy_of(role: str, spec: Action, message_id: uuid.UUID, digest: str) -> int | None:
    """The row of the same bytes, said before. Raises WireError when the id was used for others."""
    rows = OutboxMessage.objects.filter(role=role, action=spec.name, message_id=message_id)
    for pk, asked in rows.values_list("pk", "asked_digest"):
        if asked == digest:
            return pk
        raise WireError(
            "CTX_MESSAGE_ID_DUPLICATE",
            "This messageId was used for another body; give a new message a new id.",
            "/context/messageId",
        )
    return None


def check(head: Mapping[str, Any], spec: Action, role: str, now: datetime) -> None:
    """Raise WireError unless the context is one that we could have written as `role`, for now."""
    if not spec.is_spelt(context.text(head, "action")):
        raise context.refused("CTX_ACTION_MISMATCH", "action", f"is not {spec.name!r}, which the address names")
    if context.text(head, "version") != context.VERSION:
        raise context.refused("CTX_VERSION_UNSUPPORTED", "version", f"is not {context.VERSION!r}")
    network = settings.BECKN_NETWORK_ID
    if head.get("networkId", network) != network:
        raise context.refused("CTX_INVALID_FIELD", "networkId", f"is not {network!r}, the network we belong to")
    ours = settings.BECKN_PARTICIPANTS[role]["subscriber_id"]
    if context.text(head, f"{role}Id") != ours:
        raise WireError("AUT_UNAUTHORIZED_ACTION", f"We sign as {ours!r} only.", f"/context/{role}Id", http_status=403)
    context.check_time(head, now)


def store(told: Mapping[str, Any], spec: Action, role: str, digest: str, now: datetime) -> int:
    """Put the message into the outbox, in our words. Raises WireError; the caller's transaction then keeps nothing."""
    head = told["context"]
    message_id, deal = uuid.UUID(head["messageId"]), uuid.UUID(head["transactionId"])
    to, seat = addressee(head, spec)
    try:
        peer = outbox.peer_for(spec, to, now=now)
    except registry.UnknownPeerError as problem:
        words = f"This cannot be addressed: {problem}."
        raise WireError("CTX_INVALID_FIELD", words, f"/context/{seat}Id" if seat else "") from problem
    check_address(head, seat, peer.url)
    answers = answered(role, spec, to, message_id, deal) if spec.is_callback else None
    if not spec.is_callback and routing.began(role, deal) is False:
        raise context.refused("CTX_INVALID_FIELD", "transactionId", "belongs to a deal of our own market")
    try:
        return outbox.send(
            role=role,
            action=spec.name,
            message=told.get("message"),
            to=to,
            transaction_id=deal,
            message_id=message_id,
            error=told.get("error"),
            answers=answers,
            beside=kept(head),
            asked_digest=digest,
        ).pk
    except OutboundError as problem:
        if isinstance(problem.__cause__, WireError):
            raise problem.__cause__ from problem
        raise


def kept(head: Mapping[str, Any]) -> dict[str, Any]:
    """What stays of the application's context. Raises WireError for a member that is no such thing."""
    for name, kind in KEPT.items():
        if not isinstance(head.get(name, kind()), kind):
            raise context.refused("CTX_INVALID_FIELD", name, f"is not a JSON {NAMES[kind]}")
    return {name: head[name] for name in KEPT if name in head}


def addressee(head: Mapping[str, Any], spec: Action) -> tuple[str, str]:
    """(subscriber id, the role in which the context names it). A search without a seller goes to the discovery service."""
    seat = spec.receiver
    if SERVICE in spec.receivers and f"{seat}Id" not in head:
        if not settings.BECKN_DISCOVERY_ID:
            words = "No discovery service is configured (BECKN_DISCOVERY_ID)"
            raise WireError("NET_NOT_IMPLEMENTED", f"{words}; name a seller in context.bppId, or set it.")
        return settings.BECKN_DISCOVERY_ID, ""
    return context.text(head, f"{seat}Id"), seat


def check_address(head: Mapping[str, Any], seat: str, url: str) -> None:
    """A peer's address in the context is never called; one that is not where the registry says it is, is a mistake."""
    told = head.get(f"{seat}Uri") if seat else None
    if told is None:
        return
    try:
        same = urlsplit(str(told)).netloc.lower() == urlsplit(url).netloc.lower()
    except ValueError:
        same = False
    if not same:
        code = "CTX_INVALID_BPP_URI" if seat == "bpp" else "CTX_INVALID_FIELD"
        raise context.refused(code, f"{seat}Uri", "is not at the host that the registry names for it; leave it out")


def answered(role: str, spec: Action, to: str, message_id: uuid.UUID, deal: uuid.UUID) -> InboxMessage | None:
    """The request that a callback answers; None for one that needs none. Raises WireError: nobody is answered unasked.

    What was asked of the market is not answered by an application.
    """
    asked = [name for name, one in actions.ACTIONS.items() if one.answer == spec.name]
    known = InboxMessage.objects.filter(role=role, subscriber_id=to, transaction_id=deal).exclude(
        application_status=None
    )
    found = known.filter(action__in=asked, message_id=message_id).first()
    if found is None and not (spec.name in UNASKED and known.exists()):
        raise WireError(
            "CTX_TRANSACTION_ID_UNKNOWN",
            f"{to} asked nothing of the application that this {spec.name} answers, by its messageId and transactionId.",
            "/context/messageId",
        )
    return found


def deliver(pk: int, *, now: datetime) -> None:
    """The first attempt, by whoever stored the message."""
    outbox.deliver_held(OutboxMessage.objects.get(pk=pk), now=now)


def said(pk: int, *, now: datetime) -> Said | None:
    """What became of a message so far; None while its first attempt is under way."""
    row = OutboxMessage.objects.get(pk=pk)
    if row.state == State.PENDING and not row.problem and now < row.created_at + LEASE:
        return None
    receipt = bytes(row.receipt)
    if row.state in (State.DELIVERED, State.REFUSED) and receipts.read(receipt).status:
        return Said(row.last_status or 200, receipt, row.receipt_proof)
    told = {"delivery": row.state, "messageId": str(row.message_id), "to": row.to, "detail": row.problem or "Not yet."}
    return Said(202 if row.state == State.PENDING else 502, body.dump(told))
