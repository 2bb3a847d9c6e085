"""Messages we owe somebody: stored with the effect they announce, signed afresh at each attempt, retried until their time ends.

A message's bytes are fixed when it is stored, so every attempt is a copy that the peer's inbox recognises. That is why its
ttl is long: it outlasts the retries. Which address is called is the registry's word alone, and how is beckn.egress's.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils import timezone

from beckn import egress, journal, keys, ports, registry, retry, wake
from beckn.models import InboxMessage, OutboxMessage
from beckn.wire import actions, context, dialect, receipts, signing
from beckn.wire.errors import WireError
from beckn.wire.profile import Profile, named

log = logging.getLogger(__name__)
State = OutboxMessage.State
# How long a message may still be delivered: shopping for an hour, what follows from an order for three days.
SHOPPING = frozenset({"discover", "select", "init"})
SHOPPING_TTL, TTL = timedelta(hours=1), timedelta(hours=72)
LEASE = timedelta(seconds=egress.CONNECT_S + egress.TOTAL_S + 2)  # nobody else sends while one attempt may be running
MOST_SIGNED = 40  # attempts whose signature an answer may name; the retries of three days are fewer
NO_CALLBACK = "The peer took it and says that no callback will come."
AGAIN = frozenset({408, 425, 429})  # the 4xx that are about the moment, not the message
LONGEST_WISH_S = 3600


class OutboundError(ValueError):
    """A message of ours is not what the network takes; a mistake in the code that built it, to be put right there."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attempt came to. `code` and `text` say why it was not delivered; `wait` is the peer's Retry-After."""

    state: str
    status: int | None = None
    receipt: bytes = b""
    code: str = ""
    text: str = ""
    wait: timedelta = timedelta(0)


def ttl_of(action: str) -> timedelta:
    """How long a message of this action may be delivered."""
    return SHOPPING_TTL if action in SHOPPING else TTL


def send(
    *,
    role: str,
    action: str,
    message: Mapping[str, Any] | None,
    to: str,
    transaction_id: uuid.UUID,
    message_id: uuid.UUID | None = None,
    error: Mapping[str, Any] | None = None,
    answers: InboxMessage | None = None,
    policy: Mapping[str, Any] | None = None,
    beside: Mapping[str, Any] | None = None,
    asked_digest: str = "",
) -> OutboxMessage:
    """Store `action` from our `role` to subscriber `to`, in the caller's transaction; it is delivered after commit.

    `policy` is the receiver's own retryPolicy (beckn.retry), instead of our pauses, and its `timeoutSeconds` for an attempt. `beside` are further members of the
    context; none of those built here can be replaced by it. With `asked_digest` (an application's message, beckn.adapter)
    the caller makes the first attempt itself, by `deliver_held`; should it not come to that, the sweep does.

    Decimals in `message` stay exact numbers; what is stored are the bytes as the peer's profile wants them. A peer of 1.1 may
    be sent an error alone, without a `message`. Raises UnknownPeerError when the registry has no such peer, and OutboundError
    or TypeError when the message is malformed: nothing invalid is ever stored.
    """
    spec = actions.ACTIONS.get(action)
    if spec is None or role not in spec.senders:
        raise OutboundError(f"{role} does not send {action!r}")
    now = timezone.now()
    message_id = message_id or uuid.uuid4()
    ours = settings.BECKN_PARTICIPANTS[role]
    peer = peer_for(spec, to, now=now)
    told = {
        "context": dict(beside or {})
        | context.build(
            action=spec,
            us=context.Party(ours["subscriber_id"], ours["url"]),
            peer=peer.party,
            network_id=settings.BECKN_NETWORK_ID,
            transaction_id=transaction_id,
            message_id=message_id,
            now=now,
            ttl=ttl_of(action),
            role=role,
            peer_role=peer.role,
        ),
    } | {name: value for name, value in (("message", message), ("error", error)) if value}
    deal = None
    if peer.profile.is_v1 and action == "update":
        deal = journal.last_contract(role=role, peer=to, transaction_id=transaction_id)
    try:
        raw = dialect.say(told, profile=peer.profile, contract=deal)
    except WireError as problem:
        raise OutboundError(f"our {action} to {to} is not valid: {problem}") from problem
    row = OutboxMessage.objects.create(
        role=role,
        to=to,
        action=action,
        profile=peer.profile.name,
        message_id=message_id,
        transaction_id=transaction_id,
        answers=answers,
        raw=raw,
        policy=dict(policy or {}),
        asked_digest=asked_digest,
        created_at=now,
        attempts=1 if asked_digest else 0,
        next_attempt_at=now + LEASE if asked_digest else now,
    )
    if not asked_digest:
        wake.after_commit(wake.DELIVER, row.pk)
    return row


def deliver_held(row: OutboxMessage, *, now: datetime) -> str:
    """The first attempt of a message that was stored for it; returns the state it is left in."""
    return conclude(row, attempt(row, now=now), now=now)


def peer_for(spec: actions.Action, to: str, *, now: datetime) -> registry.Record:
    """Where `to` listens, in the first of the roles that receive the action. Raises UnknownPeerError."""
    *others, last = spec.receivers
    for role in others:
        with suppress(registry.UnknownPeerError):
            return registry.peer(to, role=role, now=now)
    return registry.peer(to, role=last, now=now)


def deliver(pk: int, *, now: datetime) -> str:
    """Send message `pk` if it is due and nobody else is sending it; returns the state it is left in."""
    row = claim(pk, now=now)
    if row is None:
        return OutboxMessage.objects.values_list("state", flat=True).get(pk=pk)
    return conclude(row, attempt(row, now=now), now=now)


def claim(pk: int, *, now: datetime) -> OutboxMessage | None:
    """Take the message for the length of a lease, counting the attempt. None when it is not due or somebody else's."""
    row = OutboxMessage.objects.filter(pk=pk, state=State.PENDING, next_attempt_at__lte=now).first()
    if row is None:
        return None
    mine = OutboxMessage.objects.filter(pk=pk, state=State.PENDING, attempts=row.attempts).update(
        attempts=row.attempts + 1, next_attempt_at=now + LEASE
    )
    row.attempts += 1
    return row if mine else None


def attempt(row: OutboxMessage, *, now: datetime) -> Outcome:
    """One signed POST to the registered URL."""
    if now > row.created_at + ttl_of(row.action):
        return Outcome(State.DEAD, code="CTX_TTL_EXPIRED", text=row.problem or "its time ended before it could be sent")
    raw, profile = bytes(row.raw), named(row.profile)
    try:
        peer = peer_for(actions.ACTIONS[row.action], row.to, now=now)
        header = sign(row, profile, now=now)
        url = f"{peer.url.rstrip('/')}/{dialect.word_of(row.action, profile)}"
        wish = float(row.policy.get("timeoutSeconds", egress.TOTAL_S))  # a receiver may want less time, not more
        told = egress.post(url, raw, headers={"Authorization": header}, total_s=wish)
    except (registry.UnknownPeerError, ImproperlyConfigured, egress.EgressError) as problem:
        return Outcome(State.PENDING, code="NET_DOWNSTREAM_UNAVAILABLE", text=str(problem))
    row.receipt_proof = receipts.proof(
        told.body,
        told.headers.get("signature", ""),
        request=raw,
        authorization=header,
        message_id=str(row.message_id),
        form=profile.receipts,
        keys=registry.keys_of(row.to, now=now),
    )
    return judge(told, profile)


def sign(row: OutboxMessage, profile: Profile, *, now: datetime) -> str:
    """The header for this attempt, by the peer's profile: over what it answers, and kept for whoever will answer it."""
    asked = row.answers if profile.is_chained else None
    answering = signing.value_of(asked.authorization) if asked else ""
    header = signing.sign(bytes(row.raw), keys.own(row.role), now=now, answering=answering)
    row.authorizations = [*row.authorizations, header][-MOST_SIGNED:]
    if profile.is_chained:
        # Before it is sent: the answer may be here before we have written down that the message is delivered.
        OutboxMessage.objects.filter(pk=row.pk).update(authorizations=row.authorizations)
    return header


def judge(told: egress.Answer, profile: Profile) -> Outcome:
    """What a peer's answer means: delivered, refused for good, or try again."""
    receipt = receipts.read(told.body)
    if receipt.status == "ACK" and told.status in profile.delivered:
        silent = told.status == profile.no_callback and profile.no_callback != HTTPStatus.OK
        return Outcome(State.DELIVERED, told.status, told.body, text=NO_CALLBACK if silent else "")
    final = (400 <= told.status < 500 and told.status not in AGAIN) or (told.status < 300 and receipt.status == "NACK")
    wish = told.headers.get("retry-after", "")
    return Outcome(
        State.REFUSED if final else State.PENDING,
        told.status,
        told.body,
        receipt.code or "NET_CALLBACK_FAILED",
        receipt.message or f"it answered HTTP {told.status} without a receipt we can read",
        timedelta(seconds=min(int(wish), LONGEST_WISH_S) if wish.isdigit() and len(wish) < 9 else 0),
    )


def conclude(row: OutboxMessage, outcome: Outcome, *, now: datetime) -> str:
    """Write down what the attempt came to, and tell the application if nobody will ever answer."""
    pause = retry.by_policy(row.policy, row.attempts) if row.policy else retry.delay(row.attempts)
    again = now + max(pause or timedelta(0), outcome.wait)
    state = outcome.state
    if state == State.PENDING and (pause is None or again > row.created_at + ttl_of(row.action)):
        state = State.DEAD
    with transaction.atomic():
        # Another worker may have the message by now, if this attempt outlived its lease: only a delivery is news then.
        held = OutboxMessage.objects.select_for_update().get(pk=row.pk)
        if held.state != State.PENDING or (held.attempts != row.attempts and state != State.DELIVERED):
            return held.state
        held.state, held.last_status, held.receipt = state, outcome.status, outcome.receipt
        held.problem = f"{outcome.code}: {outcome.text}"[:2000] if outcome.code else outcome.text
        held.receipt_proof = row.receipt_proof
        held.authorizations = list(dict.fromkeys([*held.authorizations, *row.authorizations]))[-MOST_SIGNED:]
        held.delivered_at = now if state == State.DELIVERED else None
        held.next_attempt_at = again if state == State.PENDING else held.next_attempt_at
        if state in (State.REFUSED, State.DEAD):
            held.problem += tell(held, outcome)
        held.save()
    return held.state


def tell(row: OutboxMessage, outcome: Outcome) -> str:
    """Tell the application that `row` will not be answered. What goes wrong there is returned as words for the journal.

    Whoever had it sent from behind the adapter asks again, and hears it then.
    """
    hook = None if row.asked_digest else ports.undeliverable(row.role)
    if hook is None:
        return ""
    try:
        told = understood(row)
        message = ports.Message(row.role, row.action, row.to, told["context"], told["message"], told.get("error"))
        with transaction.atomic():
            hook(message, outcome.code, outcome.text)
    except Exception as fault:
        log.exception("the application could not be told that message %s is undeliverable", row.pk)
        return f" (and the application could not be told: {type(fault).__name__}: {fault})"[:500]
    return ""


def understood(row: OutboxMessage) -> dict[str, Any]:
    """The 2.0.0 form of what was sent. Raises WireError for an error sent alone, which has none."""
    return dialect.understand(
        bytes(row.raw), profile=named(row.profile), action=row.action, network_id=settings.BECKN_NETWORK_ID
    )


def redrive(pk: int, *, now: datetime) -> bool:
    """Try a dead or refused message again, with a fresh set of attempts. False when it is neither.

    Raises ValueError when its time has ended: the peer would refuse the same bytes, and other bytes are another message.
    """
    row = OutboxMessage.objects.get(pk=pk)
    end = row.created_at + ttl_of(row.action)
    if now > end:
        raise ValueError(f"this message could be delivered until {end:%Y-%m-%d %H:%M} UTC; send a new one")
    found = OutboxMessage.objects.filter(pk=pk, state__in=[State.DEAD, State.REFUSED])
    changed = found.update(state=State.PENDING, attempts=0, next_attempt_at=now)
    if changed:
        wake.after_commit(wake.DELIVER, pk)
    return bool(changed)


def due(*, now: datetime, limit: int) -> list[int]:
    """The messages that wait to be sent, oldest first."""
    rows = OutboxMessage.objects.filter(state=State.PENDING, next_attempt_at__lte=now)
    return list(rows.order_by("next_attempt_at").values_list("pk", flat=True)[:limit])
