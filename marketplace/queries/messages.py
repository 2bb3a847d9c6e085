"""The Beckn journal as people read it: what was sent and received, what became of it, and every byte of it.

A person sees the messages of their own deals only; which those are is decided in marketplace.queries.visible. Signatures
were checked when a message came in and are not checked again here.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet, Value

from beckn.models import InboxMessage, OutboxMessage
from marketplace.models import User
from marketplace.queries.exports import utc_text
from marketplace.queries.pages import Page, page_of
from marketplace.queries.raw_json import readable
from marketplace.queries.visible import visible

HEADER = ("direction", "at_utc", "role", "action", "partner", "state", "problem", "message_id", "transaction_id")
STATES = {**{s.value: s.label for s in OutboxMessage.State}, **{s.value: s.label for s in InboxMessage.State}}
ROLES = {"bap": "buyer", "bpp": "seller", "ds": "discovery service"}
SHOWN_NEWEST = 10
COLUMNS = ("pk", "at", "direction", "role", "action", "peer", "state", "problem", "message_id", "transaction_id")


@dataclass(frozen=True, slots=True)
class MessageFilters:
    """What the address asks for. `way` is in, out or both; `transaction` is a whole id, or the beginning of one."""

    way: str = ""
    action: str = ""
    state: str = ""
    transaction: str = ""


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One message, sent or received. `direction` is in or out, and `way` says it in a word."""

    id: int
    direction: str
    at: datetime
    way: str
    role: str
    action: str
    peer: str
    state: str
    state_name: str
    note: str
    message_id: str
    transaction_id: str


@dataclass(frozen=True, slots=True)
class MessageList:
    """One page of the journal, and what it can be filtered by."""

    page: Page[MessageRow]
    actions: tuple[str, ...]
    states: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class MessagePage:
    """One message in full. `raw` is the body as it stands in the journal; `body` is the same with line breaks."""

    row: MessageRow
    facts: tuple[tuple[str, str], ...]
    next_attempt: datetime | None
    authorization: str
    body: str
    raw: str
    raw_bytes: int
    receipt: str
    answers: tuple[MessageRow, ...]
    others: tuple[MessageRow, ...]

    @property
    def can_redrive(self) -> bool:
        """Whether trying again can help: a dead letter, or a message that the peer refused."""
        dead = {InboxMessage.State.DEAD.value, OutboxMessage.State.DEAD.value}
        return self.row.state in dead or (self.row.direction == "out" and self.row.state == OutboxMessage.State.REFUSED)


def received(rows: QuerySet[InboxMessage]) -> QuerySet[Any, Any]:
    """Inbox rows under COLUMNS."""
    return rows.annotate(at=F("received_at"), direction=Value("in"), peer=F("subscriber_id")).values_list(*COLUMNS)


def sent(rows: QuerySet[OutboxMessage]) -> QuerySet[Any, Any]:
    """Outbox rows under COLUMNS."""
    return rows.annotate(at=F("created_at"), direction=Value("out"), peer=F("to")).values_list(*COLUMNS)


def both(inbox: QuerySet[InboxMessage], outbox: QuerySet[OutboxMessage]) -> QuerySet[Any, Any]:
    """Both journals as one list, newest first."""
    return received(inbox).union(sent(outbox), all=True).order_by("-at", "-direction", "-pk")


def filtered_messages(user: User, filters: MessageFilters) -> QuerySet[Any, Any]:
    """Exactly the messages the filters name, of those `user` may see."""
    inbox, outbox = visible(InboxMessage, user), visible(OutboxMessage, user)
    wanted: dict[str, str] = {}
    if filters.action:
        wanted["action"] = filters.action
    if filters.state:
        wanted["state"] = filters.state
    if filters.transaction:
        wanted |= transaction_filter(filters.transaction)
    inbox, outbox = inbox.filter(**wanted), outbox.filter(**wanted)
    return both(
        inbox.none() if filters.way == "out" else inbox,
        outbox.none() if filters.way == "in" else outbox,
    )


def transaction_filter(text: str) -> dict[str, str]:
    """A whole transaction id is compared as one; a part of one as the text that the database keeps."""
    try:
        return {"transaction_id": str(uuid.UUID(text))}
    except ValueError:
        return {"transaction_id__istartswith": text}


def message_row(row: Sequence[Any]) -> MessageRow:
    """The row of one tuple under COLUMNS."""
    pk, at, direction, role, action, peer, state, problem, message_id, transaction_id = row
    return MessageRow(
        id=pk,
        direction=direction,
        at=at,
        way="Received" if direction == "in" else "Sent",
        role=ROLES.get(role, role),
        action=action,
        peer=peer,
        state=state,
        state_name=STATES.get(state, state),
        note=problem,
        message_id=str(message_id),
        transaction_id=str(transaction_id),
    )


def messages_list(user: User, filters: MessageFilters, number: int) -> MessageList:
    """Page `number` of the journal."""
    inbox, outbox = visible(InboxMessage, user), visible(OutboxMessage, user)
    actions = inbox.values_list("action").union(outbox.values_list("action")).order_by("action")
    return MessageList(
        page=page_of(filtered_messages(user, filters), number, message_row),
        actions=tuple(action for (action,) in actions),
        states=tuple(STATES.items()),
    )


def newest_messages(user: User) -> tuple[MessageRow, ...]:
    """The newest messages that `user` may see."""
    return tuple(message_row(row) for row in filtered_messages(user, MessageFilters())[:SHOWN_NEWEST])


def dead_letters(user: User) -> tuple[MessageRow, ...]:
    """What was given up, received or sent, of what `user` may see: each waits for a person."""
    return tuple(message_row(row) for row in filtered_messages(user, MessageFilters(state=InboxMessage.State.DEAD)))


def messages_of(transactions: Sequence[str], *, role: str) -> tuple[MessageRow, ...]:
    """Messages of these transactions as one side holds them, newest first; the caller has checked who may see them."""
    wanted = {"role": role, "transaction_id__in": transactions}
    rows = both(InboxMessage.objects.filter(**wanted), OutboxMessage.objects.filter(**wanted))
    return tuple(message_row(row) for row in rows)


def message_of(user: User, direction: str, pk: int) -> InboxMessage | OutboxMessage | None:
    """The journal's row, or None when there is none that `user` may see."""
    if direction == "in":
        return visible(InboxMessage, user).filter(pk=pk).first()
    return visible(OutboxMessage, user).filter(pk=pk).first() if direction == "out" else None


def message_page(user: User, direction: str, pk: int) -> MessagePage | None:
    """One message in full, or None when there is none that `user` may see."""
    found = message_of(user, direction, pk)
    return None if found is None else page_of_message(user, found)


def page_of_message(user: User, found: InboxMessage | OutboxMessage) -> MessagePage:
    """A message that `user` may see, in full."""
    return page_of_received(user, found) if isinstance(found, InboxMessage) else page_of_sent(user, found)


def page_of_received(user: User, message: InboxMessage) -> MessagePage:
    """A message that came in: the header that signed it, and the receipt we gave."""
    facts = (
        ("From", message.subscriber_id),
        ("Key that verified it", message.public_key),
        ("Attempts to handle it", str(message.attempts)),
        ("Handled", utc_text(message.handled_at) if message.handled_at else "not yet"),
        ("BLAKE2b-512 of the body", message.digest),
    )
    return whole(user, received(InboxMessage.objects.filter(pk=message.pk))[0], message, facts, message.authorization)


def page_of_sent(user: User, message: OutboxMessage) -> MessagePage:
    """A message that we owe or have sent: how often it was tried, and what the peer said."""
    facts = (
        ("To", message.to),
        ("Attempts to deliver it", str(message.attempts)),
        ("Delivered", utc_text(message.delivered_at) if message.delivered_at else "not yet"),
        ("Last HTTP status", "—" if message.last_status is None else str(message.last_status)),
    )
    return whole(user, sent(OutboxMessage.objects.filter(pk=message.pk))[0], message, facts, "")


def whole(
    user: User,
    row: Sequence[Any],
    message: InboxMessage | OutboxMessage,
    facts: tuple[tuple[str, str], ...],
    authorization: str,
) -> MessagePage:
    """What both kinds share: bodies, receipt, and the messages that belong to it."""
    own = message_row(row)
    raw = bytes(message.raw)
    family = [
        one
        for one in map(message_row, filtered_messages(user, MessageFilters(transaction=own.transaction_id)))
        if (one.direction, one.id) != (own.direction, own.id)
    ]
    waiting = message.state in {InboxMessage.State.RECEIVED, OutboxMessage.State.PENDING}
    ids = (("Message", own.message_id), ("Transaction", own.transaction_id))
    return MessagePage(
        row=own,
        facts=facts + ids,
        next_attempt=message.next_attempt_at if waiting else None,
        authorization=authorization,
        body=readable(raw),
        raw=raw.decode("utf-8", "replace"),
        raw_bytes=len(raw),
        receipt=readable(bytes(message.receipt)),
        answers=tuple(one for one in family if one.message_id == own.message_id),
        others=tuple(one for one in family if one.message_id != own.message_id),
    )


def message_export(user: User, filters: MessageFilters) -> Iterator[list[object]]:
    """The rows under HEADER of exactly the filtered messages."""
    for row in map(message_row, filtered_messages(user, filters).iterator(chunk_size=1000)):
        yield [
            row.direction,
            utc_text(row.at),
            row.role,
            row.action,
            row.peer,
            row.state,
            row.note,
            row.message_id,
            row.transaction_id,
        ]
