"""The stored log, read the way the proofs need it: entries in order, leaf hashes in order, and a statement's own entry.

It reads. Numbering is the sequencer's, and who may see an entry is decided in queries.visible.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import orjson
from django.db.models import QuerySet

from marketplace.ledger.proof import STATEMENT
from marketplace.ledger.recompute import Stored
from marketplace.models import Event, LedgerEntry, OrganisationNumber, SettlementStatement

CHUNK = 500  # below the number of parameters that one statement may have anywhere
Row = tuple[Any, ...]
COLUMNS = (
    *("seq", "event_id", "leaf", "leaf_hash", "prev_hash"),
    *(f"event__{name}" for name in ("type", "at", "subject", "payload", "salt", "payload_commit")),
)


class BrokenLogError(RuntimeError):
    """The log is not what it must be. Nothing may be built on it until a person has looked."""


def as_bytes(value: Any) -> bytes:
    """A stored binary value. SQLite gives text back where somebody put text at its prompt: it is to be judged, not to crash."""
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else bytes(value)


def read_log(*, first: int = 0) -> Iterator[Stored]:
    """Entries from number `first` on, in order, a chunk in memory at a time."""
    rows = LedgerEntry.objects.filter(seq__gte=first).order_by("seq").values_list(*COLUMNS)
    for chunk in batched(rows.iterator(chunk_size=CHUNK), CHUNK):
        yield from stored_rows(chunk)


def batched(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """The rows in lists of `size`, the last one shorter."""
    left = iter(rows)
    while chunk := list(islice(left, size)):
        yield chunk


def stored_rows(rows: Sequence[Row]) -> Iterator[Stored]:
    """Rows of COLUMNS as recompute wants them, with the organisations they concern; plain values, as there are many."""
    parties = defaultdict[uuid.UUID, list[int]](list)
    for event, party in parties_of([row[1] for row in rows]):
        parties[event].append(party)
    numbers = numbers_of([row[0] for row in rows])
    for row in rows:
        yield of_row(row, parties[row[1]], numbers[row[0]])


def stored(entry: LedgerEntry) -> Stored:
    """One entry of with_events()."""
    event = entry.event
    told = (event.type, event.at, event.subject, event.payload, event.salt, event.payload_commit)
    row = (entry.seq, event.pk, entry.leaf, entry.leaf_hash, entry.prev_hash, *told)
    numbers = {one.organisation_id: one.org_seq for one in entry.numbers.all()}
    return of_row(row, [one.pk for one in event.organisations.all()], numbers)


def of_row(row: Row, parties: Iterable[int], numbers: Mapping[int, int]) -> Stored:
    """A row of COLUMNS, the organisations it concerns, and its numbers within them."""
    seq, _, leaf, leaf_hash, prev_hash, kind, at, subject, payload, salt, payload_commit = row
    concerned = sorted(parties)
    return Stored(
        seq=seq,
        type=kind,
        at=at,
        subject=subject,
        parties=tuple(concerned),
        org_seqs=tuple(numbers[one] for one in concerned if one in numbers),
        payload=as_bytes(payload),
        salt=as_bytes(salt),
        payload_commit=payload_commit,
        leaf=as_bytes(leaf),
        leaf_hash=leaf_hash,
        prev_hash=prev_hash,
    )


def numbers_of(seqs: Sequence[int]) -> dict[int, dict[int, int]]:
    """The numbers of each of these entries, by organisation."""
    found = defaultdict[int, dict[int, int]](dict)
    rows = OrganisationNumber.objects.filter(entry__in=seqs).values_list("entry_id", "organisation_id", "org_seq")
    for seq, party, number in rows:
        found[seq][party] = number
    return found


def parties_of(events: Sequence[uuid.UUID]) -> Iterable[tuple[uuid.UUID, int]]:
    """Each of these events with each organisation it concerns."""
    links = Event.organisations.through.objects.filter(event__in=events)
    return links.values_list("event_id", "organisation_id")


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
