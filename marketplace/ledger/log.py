"""The stored log, read the way the proofs need it: entries in order, leaf hashes in order, and a statement's own entry.

It reads. Numbering is the sequencer's, and who may see an entry is decided in queries.visible.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from django.db.models import QuerySet

from marketplace.ledger.proof import STATEMENT
from marketplace.ledger.recompute import Stored
from marketplace.models import LedgerEntry, SettlementStatement

CHUNK = 1000


class BrokenLogError(RuntimeError):
    """The log is not what it must be. Nothing may be built on it until a person has looked."""


def stored(entry: LedgerEntry) -> Stored:
    """An entry with its event, as recompute wants them."""
    event = entry.event
    seqs = {one.organisation_id: one.org_seq for one in entry.numbers.all()}
    parties = sorted(one.pk for one in event.organisations.all())
    return Stored(
        seq=entry.seq,
        type=event.type,
        at=event.at,
        subject=event.subject,
        parties=tuple(parties),
        org_seqs=tuple(seqs[one] for one in parties if one in seqs),
        payload=as_bytes(event.payload),
        salt=as_bytes(event.salt),
        payload_commit=event.payload_commit,
        leaf=as_bytes(entry.leaf),
        leaf_hash=entry.leaf_hash,
        prev_hash=entry.prev_hash,
    )


def as_bytes(value: Any) -> bytes:
    """A stored binary value. SQLite gives text back where somebody put text at its prompt: it is to be judged, not to crash."""
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else bytes(value)


def read_log(*, first: int = 0) -> Iterator[Stored]:
    """Entries from number `first` on, in order, a chunk in memory at a time."""
    entries = with_events(LedgerEntry.objects.filter(seq__gte=first).order_by("seq"))
    for entry in entries.iterator(chunk_size=CHUNK):
        yield stored(entry)


def with_events(entries: QuerySet[LedgerEntry]) -> QuerySet[LedgerEntry]:
    """Entries with all that stored() touches."""
    return entries.select_related("event").prefetch_related("event__organisations", "numbers")


def log_size() -> int:
    """How many entries have a number."""
    newest = LedgerEntry.objects.order_by("-seq").values_list("seq", flat=True).first()
    return 0 if newest is None else newest + 1


def leaf_hashes(size: int) -> Sequence[bytes]:
    """The first `size` leaf hashes. Raises BrokenLogError when that many consecutive ones do not exist."""
    rows = list(LedgerEntry.objects.filter(seq__lt=size).order_by("seq").values_list("leaf_hash", flat=True))
    if len(rows) != size:
        raise BrokenLogError(f"the log lacks {size - len(rows)} of its first {size} entries")
    try:
        return [bytes.fromhex(row) for row in rows]
    except ValueError as problem:
        raise BrokenLogError(f"a leaf hash is not hexadecimal ({problem})") from problem


def statement_entry(statement: SettlementStatement) -> LedgerEntry | None:
    """The numbered event of a statement; None while it has no number."""
    entries = LedgerEntry.objects.filter(
        event__type=STATEMENT, event__subject=f"order:{statement.order_id}"
    ).select_related("event")
    return next((entry for entry in entries.order_by("-seq") if statement_of(entry) == statement.pk), None)


def statement_of(entry: LedgerEntry) -> uuid.UUID | None:
    """The statement an entry is about; None when it is about none or cannot be read."""
    if entry.event.type != STATEMENT:
        return None
    try:
        return uuid.UUID(orjson.loads(as_bytes(entry.event.payload))["statement"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
