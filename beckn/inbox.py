"""Received messages: judged, stored once with their receipt, and later handed to the application, exactly once in effect.

Judging is pure and cheap, in the order that costs an attacker most; storing is one transaction for a whole batch; handling
runs in the worker. A message is acknowledged only after it is stored, and handled in one transaction with its callback, so
it cannot be lost between any two steps. What a message means is the application's affair (beckn.ports).
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import DatabaseError, OperationalError, transaction
from django.db.models import QuerySet

from beckn import insertion, journal, keys, metrics, outbox, ports, registry, retry
from beckn.models import InboxMessage
from beckn.registry import Record
from beckn.wire import actions, chain, dialect, receipts, signing
from beckn.wire.errors import WireError
from beckn.wire.profile import named

log = logging.getLogger(__name__)
State = InboxMessage.State
PREVIEW = "try"  # the tolerance of a message that asks for no effect
MAX_ATTEMPTS = 8  # 2 + 4 + ... + 128 s: about four minutes of faults before a person has to look


# What makes a message the same as another.
KEY = ("role", "subscriber_id", "action", "message_id")
Key = tuple[str, str, str, uuid.UUID]


@dataclass(frozen=True, slots=True)
class Judged:
    """A message that may be stored, with the receipt it gets once it is, and the HTTP status of that."""

    row: InboxMessage
    key_id: str
    status: int = 200

    @property
    def key(self) -> Key:
        """What makes it the same message as another."""
        return self.row.role, self.row.subscriber_id, self.row.action, self.row.message_id


@dataclass(frozen=True, slots=True)
class Stored:
    """A message in the journal: its row, the receipt its sender gets, and whether it is here for the first time."""

    pk: int
    receipt: bytes
    is_new: bool


def judge(
    raw: bytes,
    *,
    authorization: str,
    signature: signing.Signature,
    signer: Record,
    role: str,
    action: str,
    now: datetime,
    word: str = "",
    answered: Sequence[str] = (),
) -> Judged:
    """Signature, JSON, identity, time and shape, as the signer's profile has them. Raises WireError; nothing is stored.

    `signature` is the parsed `authorization`, `signer` the registry's record of its key, `word` what the address calls the
    action, and `answered` what our request was signed with that a callback answers.
    """
    profile = signer.profile
    forgiven = chain.verify(signature, raw, signer.public_key, profile=profile, answered=answered)
    forgiven += dialect.check_word(word or dialect.word_of(action, profile), action, profile)
    if signer.role not in actions.ACTIONS[action].senders:
        raise WireError("AUT_UNAUTHORIZED_ACTION", f"A {signer.role} does not send {action}.")
    us = keys.own(role)
    heard = dialect.hear(
        raw,
        profile=profile,
        action=action,
        us=us.subscriber_id,
        signer=signer.party,
        network_id=settings.BECKN_NETWORK_ID,
        now=now,
        role=role,
        signer_role=signer.role,
    )
    forgiven = list(dict.fromkeys(forgiven + heard.forgiven))
    metrics.forgiven(forgiven, profile=profile.name, subscriber_id=signer.subscriber_id)
    row = InboxMessage(
        role=role,
        subscriber_id=signer.subscriber_id,
        action=action,
        profile=profile.name,
        tolerances=forgiven,
        message_id=uuid.UUID(heard.message_id),
        transaction_id=uuid.UUID(heard.transaction_id),
        authorization=authorization,
        public_key=signer.public_key,
        raw=raw,
        digest=signing.hashed(raw).hex(),
        receipt=receipts.ack(request=raw, message_id=heard.message_id, signer=us, now=now, form=profile.receipts),
        received_at=now,
        next_attempt_at=now,
    )
    if PREVIEW not in forgiven:
        return Judged(row, signature.key_id)
    row.state, row.handled_at, row.problem = State.HANDLED, now, "A preview run: acknowledged, and nothing was done."
    return Judged(row, signature.key_id, profile.no_callback)


def store(items: Sequence[Judged], *, now: datetime) -> list[Stored | WireError]:
    """Store all in one transaction, or, if one of them cannot be stored, each on its own. One answer each, in order.

    Raises OperationalError when the database itself does not work; then nothing is stored.
    """
    try:
        return store_together(items, now=now)
    except OperationalError:
        raise
    except DatabaseError:
        log.exception("%s messages could not be stored together; each is stored on its own", len(items))
        return [store_alone(item, now=now) for item in items]


def store_together(items: Sequence[Judged], *, now: datetime) -> list[Stored | WireError]:
    """One transaction, one fsync. Keys revoked since they were looked up are refused; copies get the first receipt."""
    with transaction.atomic():
        usable = registry.usable({(item.row.subscriber_id, item.key_id) for item in items}, now=now)
        kept = [item for item in items if (item.row.subscriber_id, item.key_id) in usable]
        for item in kept:
            item.row.stored_at = now
        kept.sort(key=lambda item: item.key)  # two processes that insert the same copies take their locks in one order
        made = insertion.insert_new([item.row for item in kept], KEY)
        copies = already_stored([item for item, pk in zip(kept, made, strict=True) if pk is None])
    refused = WireError("AUT_KEY_EXPIRED_OR_REVOKED", "The key that signed this is not in force any more.")
    answers = {
        id(item): Stored(pk, bytes(item.row.receipt), is_new=True) if pk else outcome(item, copies.get(item.key))
        for item, pk in zip(kept, made, strict=True)
    }
    return [answers.get(id(item), refused) for item in items]


def already_stored(items: Sequence[Judged]) -> dict[Key, tuple[int, str, bytes]]:
    """What the journal holds under these keys: primary key, digest and receipt."""
    if not items:
        return {}
    found = InboxMessage.objects.filter(
        role__in={item.row.role for item in items},
        subscriber_id__in={item.row.subscriber_id for item in items},
        action__in={item.row.action for item in items},
        message_id__in={item.row.message_id for item in items},
    )
    return {
        tuple(key): (pk, digest, bytes(receipt))
        for pk, digest, receipt, *key in found.values_list("pk", "digest", "receipt", *KEY)
    }


def outcome(item: Judged, found: tuple[int, str, bytes] | None) -> Stored | WireError:
    """What became of a copy, given what the journal now holds under its key."""
    if found is None:
        return WireError("NET_INTERNAL_ERROR", "The message could not be stored; nothing was done.", http_status=500)
    pk, digest, receipt = found
    if digest != item.row.digest:
        log.warning("%s %s came again with another body", item.row.subscriber_id, item.row.message_id)
        return WireError(
            "CTX_MESSAGE_ID_DUPLICATE",
            "This messageId was used for another body; give a new message a new id.",
            "/context/messageId",
            named(item.row.profile).conflict,
        )
    return Stored(pk, receipt, is_new=False)


def store_alone(item: Judged, *, now: datetime) -> Stored | WireError:
    """One message in its own transaction, so that one bad row costs nobody else's message."""
    try:
        return store_together([item], now=now)[0]
    except DatabaseError:
        log.exception("message %s of %s cannot be stored", item.row.message_id, item.row.subscriber_id)
        return WireError("NET_INTERNAL_ERROR", "The message could not be stored; nothing was done.", http_status=500)


def handle(pk: int, *, now: datetime) -> str:
    """Hand message `pk` to the application if it is due; returns the state it is left in. Safe to call at any time.

    The attempt is counted before it is made, so that a message that kills its worker ends as a dead letter too.
    """
    if not claim(pk, now=now):
        return InboxMessage.objects.values_list("state", flat=True).get(pk=pk)
    try:
        return work(pk, now=now)
    except Exception as fault:
        log.exception("message %s could not be handled", pk)
        return note_fault(pk, f"{type(fault).__name__}: {fault}")


def claim(pk: int, *, now: datetime) -> bool:
    """Count an attempt and put the next one off. False when the message is not due, done, or another worker's."""
    row = ours().filter(pk=pk, next_attempt_at__lte=now).first()
    if row is None:
        return False
    if row.attempts >= MAX_ATTEMPTS:
        note_fault(pk, row.problem or "the worker died at each attempt")
        return False
    return bool(
        InboxMessage.objects.filter(pk=pk, state=State.RECEIVED, attempts=row.attempts).update(
            attempts=row.attempts + 1, next_attempt_at=now + retry.delay(row.attempts + 1)
        )
    )


def work(pk: int, *, now: datetime) -> str:
    """One transaction: the application's effect, the callback and the mark. A refusal undoes the effect and keeps the mark."""
    with transaction.atomic():
        row = InboxMessage.objects.select_for_update().get(pk=pk)
        if row.state != State.RECEIVED:  # an earlier attempt outlived its pause and has just ended
            return row.state
        message = None
        try:
            message = message_of(row)
            with transaction.atomic():
                reply = ports.handlers(row.role)[row.action](message)
            row.state = State.HANDLED
        except ports.Refusal as refusal:
            reply = None
            row.state, row.problem = State.REFUSED, f"{refusal.code}: {refusal.message}"
            refuse(row, message, refusal)
        if reply is not None:
            answer(row, reply.message, error=reply.error)
        row.handled_at = now
        row.save(update_fields=["state", "problem", "handled_at"])
    return row.state


def message_of(row: InboxMessage) -> ports.Message:
    """The stored bytes as the application sees them. Raises Refusal when they mean nothing in the deal they belong to."""
    raw, profile = bytes(row.raw), named(row.profile)
    deal = None
    if dialect.lacks_contract(raw, profile):
        deal = journal.last_contract(role=row.role, peer=row.subscriber_id, transaction_id=row.transaction_id, but=row)
    try:
        told = dialect.understand(
            raw, profile=profile, action=row.action, network_id=settings.BECKN_NETWORK_ID, contract=deal
        )
    except WireError as problem:
        raise ports.Refusal(problem.code, problem.message, {"path": problem.path}) from problem
    return ports.Message(
        role=row.role,
        action=row.action,
        subscriber_id=row.subscriber_id,
        context=told["context"],
        message=told["message"],
        error=told.get("error"),
        digest=row.digest,
    )


def answer(row: InboxMessage, message: Mapping[str, Any] | None, *, error: Mapping[str, Any] | None = None) -> None:
    """The callback that a request is owed: same message id, same transaction, stored with the effect."""
    outbox.send(
        role=row.role,
        action=actions.ACTIONS[row.action].answer,
        message=message,
        to=row.subscriber_id,
        transaction_id=row.transaction_id,
        message_id=row.message_id,
        error=error,
        answers=row,
    )


def refuse(row: InboxMessage, message: ports.Message | None, refusal: ports.Refusal) -> None:
    """Answer a refused request with `error` in both spellings; a refused callback is owed nothing and is only kept.

    Without a `message` (one of 1.1 that means nothing in its deal) there is nothing to echo.
    """
    if actions.ACTIONS[row.action].is_callback:
        return
    error = {
        "errorCode": refusal.code,
        "errorMessage": refusal.message,
        "code": refusal.code,
        "message": refusal.message,
        "details": refusal.details,
    }
    # Callbacks are closed and need their member: the refused contract is echoed, a refused discover finds nothing.
    asked = actions.ACTIONS[row.action]
    answered = actions.ACTIONS[asked.answer].member
    echo = {answered: message.message[asked.member] if asked.member == answered else []} if message else None
    answer(row, echo, error=error)


def note_fault(pk: int, problem: str) -> str:
    """Keep the last fault's words; after MAX_ATTEMPTS the message is a dead letter, visible and re-drivable."""
    with transaction.atomic():
        row = InboxMessage.objects.select_for_update().get(pk=pk)
        if row.state == State.RECEIVED:
            row.problem = problem[:2000]
            row.state = State.DEAD if row.attempts >= MAX_ATTEMPTS else State.RECEIVED
            row.save(update_fields=["state", "problem"])
    return row.state


def redrive(pk: int, *, now: datetime) -> bool:
    """Give a dead letter a fresh set of attempts, from now. False when it is not dead."""
    return bool(
        InboxMessage.objects.filter(pk=pk, state=State.DEAD).update(
            state=State.RECEIVED, attempts=0, next_attempt_at=now
        )
    )


def due(*, now: datetime, limit: int) -> list[int]:
    """The messages that wait to be handled, oldest first."""
    rows = ours().filter(next_attempt_at__lte=now)
    return list(rows.order_by("next_attempt_at").values_list("pk", flat=True)[:limit])


def ours() -> QuerySet[InboxMessage]:
    """What waits for our own handlers; what is for an application behind the adapter waits for that (beckn.adapter)."""
    return InboxMessage.objects.filter(state=State.RECEIVED, application_status=None)
