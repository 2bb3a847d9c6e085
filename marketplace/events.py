"""Write down what happened, in the transaction of the effect itself: no event without its effect, no effect without its event.

It keeps canonical bytes and a salted commitment to them. Numbers, the tree and the chain come later, from the sequencer;
who may read an event is decided in queries.visible.
"""

from __future__ import annotations

import secrets
import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from marketplace.ledger.leaf import SALT_BYTES, canonical, payload_commitment
from marketplace.models import Event, Organisation
from marketplace.models.insertion import insert_rows


class NotInTransactionError(RuntimeError):
    """An event outside a transaction could outlive, or be lost without, the effect it records."""


def append(
    *,
    type: str,  # noqa: A002 - the record's own word
    subject: str,
    payload: Mapping[str, Any],
    organisations: Iterable[Organisation],
    now: datetime,
) -> Event:
    """Store one event. `type` is dotted, `subject` reads kind:id, `now` is aware and on the market's clock.

    Raises NotInTransactionError outside transaction.atomic(), and leaf.PayloadError for a payload outside the profile,
    naming the member.
    """
    if not transaction.get_connection().in_atomic_block:
        raise NotInTransactionError(
            f"event {type} of {subject} was appended outside a transaction; do both in transaction.atomic()"
        )
    body, salt = canonical(payload), secrets.token_bytes(SALT_BYTES)
    event = Event(
        id=event_ids.next(),
        type=type,
        at=now,
        subject=subject,
        payload=body,
        salt=salt,
        payload_commit=payload_commitment(type=type, salt=salt, payload=body),
    )
    link = Event.organisations.through
    insert_rows([event])
    insert_rows([link(event_id=event.pk, organisation_id=pk) for pk in sorted({one.pk for one in organisations})])
    return event


def requested_by(digest: str) -> dict[str, str]:
    """What an event says of the signed request it follows from (BLAKE2b-512, hex); nothing where there was none."""
    return {"request_blake2b512": digest} if digest else {}


class TimeOrderedIds:
    """UUIDs of version 7 (RFC 9562, 6.2 method 3) that grow: the sequencer can tell which of two events came first.

    Real time to a quarter of a microsecond, whatever the market's clock says; within a process they grow even when the
    machine's clock is set back.
    """

    def __init__(self) -> None:
        self.lock, self.newest = threading.Lock(), 0

    def next(self) -> uuid.UUID:
        """A new id, larger than every one given before by this process."""
        with self.lock:
            milliseconds, rest_ns = divmod(time.time_ns(), 1_000_000)
            self.newest = max(self.newest + 1, (milliseconds << 12) + rest_ns * 4096 // 1_000_000)
            newest = self.newest
        head = (newest >> 12) << 80 | 0x7 << 76 | (newest & 0xFFF) << 64
        return uuid.UUID(int=head | 0b10 << 62 | secrets.randbits(62))


event_ids = TimeOrderedIds()
