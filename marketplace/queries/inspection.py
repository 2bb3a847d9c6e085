"""One Beckn message under the lens: what was signed and whether it holds, what the schema says, and when each thing happened.

Signature and schema are judged anew from the stored bytes, and the page says so. The caller has checked who may see it.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime

from beckn.models import InboxMessage, OutboxMessage, Subscriber
from beckn.wire import body, chain, schema, signing, tolerance
from beckn.wire.errors import WireError
from beckn.wire.profile import Profile, named
from beckn.wire.v1 import shape

Message = InboxMessage | OutboxMessage


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature: the key that made it, what exactly it covers, and whether it holds for the stored bytes.

    `holds` is None where the key is not known here. `key_state` says how the registry holds the key now.
    """

    subscriber_id: str
    key_id: str
    created: datetime
    expires: datetime
    signing_string: str
    holds: bool | None
    key_state: str
    key_from: datetime | None
    key_until: datetime | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the schema says: fine, or a code, a JSON pointer and the reason."""

    fits: bool
    code: str = ""
    pointer: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened, and how many seconds after the first."""

    name: str
    at: datetime
    after_s: float


@dataclass(frozen=True, slots=True)
class Inspection:
    """Everything beyond the journal's row itself. `authorizations` has one header an attempt, the last one last."""

    authorizations: tuple[str, ...]
    signed: Signed | None
    unreadable: str
    digest: str
    schema: Verdict
    profile: str
    forgiven: tuple[tuple[str, str], ...]
    timings: tuple[Moment, ...]
    raw_base64: str


def inspect(message: Message) -> Inspection:
    """Judge the stored bytes again, and put the times of the message and its answer in order."""
    raw, profile = bytes(message.raw), named(message.profile)
    came = isinstance(message, InboxMessage)
    headers = (message.authorization,) if isinstance(message, InboxMessage) else tuple(message.authorizations)
    signed, unreadable = read_signature(message, headers[-1], profile) if headers and headers[-1] else (None, "")
    names = message.tolerances if isinstance(message, InboxMessage) else []
    return Inspection(
        authorizations=tuple(header for header in headers if header),
        signed=signed,
        unreadable=unreadable,
        digest=signing.digest(raw),
        schema=schema_verdict(raw, message.action, profile),
        profile=profile.name,
        forgiven=tuple((name, tolerance.TOLERANCES[name].what) for name in names if name in tolerance.TOLERANCES),
        timings=timings_in(message) if came else timings_out(message),  # type: ignore[arg-type]
        raw_base64=base64.b64encode(raw).decode(),
    )


def read_signature(message: Message, header: str, profile: Profile) -> tuple[Signed | None, str]:
    """The signature in a header, or why it cannot be read. A message that came is judged with the key it came with."""
    try:
        found = signing.parse(header)
    except WireError as problem:
        return None, problem.message
    row = Subscriber.objects.filter(subscriber_id=found.subscriber_id, key_id=found.key_id).first()
    public_key = message.public_key if isinstance(message, InboxMessage) else (row.public_key if row else "")
    answered = headers_answered(message) if found.is_chained else []
    raw = bytes(message.raw)
    line = next((value for value, _ in chain.chains(found, answered)), "")
    return Signed(
        subscriber_id=found.subscriber_id,
        key_id=found.key_id,
        created=datetime.fromtimestamp(found.created, UTC),
        expires=datetime.fromtimestamp(found.expires, UTC),
        signing_string=signing.signing_string(raw, found.created, found.expires, answering=line),
        holds=holds(found, raw, public_key, profile, answered) if public_key else None,
        key_state=row.get_status_display() if row else "",
        key_from=row.valid_from if row else None,
        key_until=row.valid_until if row else None,
    ), ""


def holds(found: signing.Signature, raw: bytes, public_key: str, profile: Profile, answered: list[str]) -> bool:
    """Whether the key made the signature over these bytes, by whatever the profile allows."""
    try:
        chain.verify(found, raw, public_key, profile=profile, answered=answered)
    except WireError:
        return False
    return True


def headers_answered(message: Message) -> list[str]:
    """The Authorization headers of the request that a chained callback answers."""
    if isinstance(message, OutboxMessage):
        return [message.answers.authorization] if message.answers else []
    asked = OutboxMessage.objects.filter(
        role=message.role,
        to=message.subscriber_id,
        action=message.action.removeprefix("on_"),
        message_id=message.message_id,
    )
    return list(asked.values_list("authorizations", flat=True).first() or [])


def schema_verdict(raw: bytes, action: str, profile: Profile) -> Verdict:
    """What our schemas say of a body in its sender's own version, after what is forgiven."""
    try:
        told = body.parse(raw)
        if profile.is_v1:
            shape.validate(told)
        else:
            tolerance.forgive(told, action=action, profile=profile.name)
            schema.validate(told)
    except WireError as problem:
        return Verdict(False, problem.code, problem.path or "/", problem.message)
    return Verdict(True)


def timings_in(message: InboxMessage) -> tuple[Moment, ...]:
    """Received, stored, handled, and what became of the callbacks it was owed; the commit itself has no clock of its own."""
    steps: list[tuple[str, datetime | None]] = [
        ("Received", message.received_at),
        ("Storing began, receipt after it", message.stored_at),
        ("Handled", message.handled_at),
    ]
    for row in message.callbacks.order_by("created_at").only("action", "created_at", "delivered_at"):
        steps += [(f"{row.action} stored", row.created_at), (f"{row.action} delivered", row.delivered_at)]
    return in_order(steps)


def timings_out(message: OutboxMessage) -> tuple[Moment, ...]:
    """The request it answers, if any, then stored, delivered, and the callback that came for it."""
    steps: list[tuple[str, datetime | None]] = []
    if message.answers is not None:
        asked = message.answers
        steps += [(f"{asked.action} received", asked.received_at), (f"{asked.action} handled", asked.handled_at)]
    steps += [("Stored", message.created_at), ("Delivered", message.delivered_at)]
    answers = InboxMessage.objects.filter(
        role=message.role, subscriber_id=message.to, message_id=message.message_id, action=f"on_{message.action}"
    )
    for action, received_at, handled_at in answers.values_list("action", "received_at", "handled_at"):
        steps += [(f"{action} received", received_at), (f"{action} handled", handled_at)]
    return in_order(steps)


def in_order(steps: list[tuple[str, datetime | None]]) -> tuple[Moment, ...]:
    """What has happened, with the seconds since the first of it."""
    known = [(name, at) for name, at in steps if at is not None]
    return tuple(Moment(name, at, (at - known[0][1]).total_seconds()) for name, at in known)
