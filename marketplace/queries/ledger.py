"""The log as people read it: entries with a sentence each, and where each stands on its way to the chain."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db.models import Q, QuerySet

from marketplace.ledger.log import as_bytes
from marketplace.models import Anchor, Event, LedgerEntry
from marketplace.queries.exports import utc_text
from marketplace.queries.naming import named
from marketplace.queries.pages import Page, page_of
from marketplace.queries.sentences import sentence

HEADER = ("seq", "at_utc", "type", "subject", "sentence", "leaf_hash", "state", "anchor_tx")
# Seen together, an entry's states: SEQUENCED has a number and no head yet; the others are those of its head.
NAMES = {
    "SEQUENCED": "Recorded",
    "PENDING": "Waiting for the chain",
    "SIGNED": "Signed",
    "SENT": "Submitted",
    "MINED": "Mined",
    "FINAL": "Anchored",
    "REORGED": "Reorganised",
    "FAILED": "Failed",
}
FINAL = Anchor.State.FINAL


@dataclass(frozen=True, slots=True)
class LedgerFilters:
    """What the address asks for. `find` is an entry number, a leaf hash or a transaction hash."""

    type: str = ""
    subject: str = ""
    state: str = ""
    find: str = ""


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One line of the log."""

    seq: int
    at: datetime
    type: str
    subject: str
    sentence: str
    leaf_hash: str
    state: str
    state_name: str
    tx_hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """A tree head on chain or on its way: the smallest one that covers an entry vouches for it."""

    number: int
    size: int
    root: str
    state: str
    state_name: str
    tx_hash: str
    block_number: int | None
    block_hash: str
    chain_id: int | None
    contract: str
    last_error: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """The list with what it can be filtered by, and how far the log is anchored."""

    entries: Page[EntryRow]
    types: tuple[str, ...]
    newest: Head | None
    total: int
    unsequenced: int


@dataclass(frozen=True, slots=True)
class EntryPage:
    """One entry: the sentence first, then every byte it stands on."""

    row: EntryRow
    fields: tuple[tuple[str, str], ...]
    payload: str
    payload_commit: str
    salt: str
    leaf: str
    prev_hash: str
    head: Head | None


def heads() -> list[Head]:
    """Every tree head, smallest first."""
    return [
        head_of(row) for row in Anchor.objects.filter(kind=Anchor.Kind.HEAD, size__isnull=False).order_by("size", "seq")
    ]


def head_of(row: Anchor) -> Head:
    """One head as pages show it."""
    return Head(
        number=row.seq or 0,
        size=row.size or 0,
        root=row.root,
        state=row.state,
        state_name=row.get_state_display(),
        tx_hash=row.tx_hash,
        block_number=row.block_number,
        block_hash=row.block_hash,
        chain_id=row.chain_id,
        contract=row.contract,
        last_error=row.last_error,
        updated_at=row.updated_at,
    )


def covering(found: Sequence[Head], seq: int) -> Head | None:
    """The smallest head whose tree holds leaf `seq`, counted from 0."""
    at = bisect_right([head.size for head in found], seq)
    return found[at] if at < len(found) else None


def filtered_entries(entries: QuerySet[LedgerEntry], filters: LedgerFilters) -> QuerySet[LedgerEntry]:
    """Exactly the entries the filters name, newest first."""
    if filters.type:
        entries = entries.filter(event__type=filters.type)
    if filters.subject:
        entries = entries.filter(event__subject__icontains=filters.subject)
    if filters.find:
        entries = entries.filter(found_by(filters.find.strip().lower().removeprefix("0x")))
    if filters.state:
        entries = entries.filter(in_state(filters.state))
    return entries.select_related("event").order_by("-seq")


def found_by(text: str) -> Q:
    """Entries with this number or leaf hash, or vouched for by the transaction with this hash."""
    wanted = Q(leaf_hash__startswith=text) if len(text) >= 6 else Q(pk__in=[])
    if text.isdigit() and len(text) < 18:
        wanted |= Q(seq=int(text))
    head = Anchor.objects.filter(kind=Anchor.Kind.HEAD, tx_hash__iexact=f"0x{text}").first()
    if head is not None and head.size is not None:
        before = Anchor.objects.filter(kind=Anchor.Kind.HEAD, size__lt=head.size).order_by("-size").first()
        wanted |= Q(seq__lt=head.size, seq__gte=before.size if before and before.size else 0)
    return wanted


def in_state(state: str) -> Q:
    """Entries whose covering head is in `state`; SEQUENCED: entries no head covers."""
    found = heads()
    if state == "SEQUENCED":
        return Q(seq__gte=max((head.size for head in found), default=0))
    wanted, first = Q(pk__in=[]), 0
    for head in found:
        if head.state == state:
            wanted |= Q(seq__gte=first, seq__lt=head.size)
        first = max(first, head.size)
    return wanted


def ledger_page(
    entries: QuerySet[LedgerEntry], events: QuerySet[Event], filters: LedgerFilters, number: int
) -> LedgerPage:
    """Page `number` of the log a person may see."""
    found = heads()
    final = [head for head in found if head.state == FINAL]
    return LedgerPage(
        entries=page_of(filtered_entries(entries, filters), number, lambda row: entry_row(row, found)),
        types=tuple(entries.order_by("event__type").values_list("event__type", flat=True).distinct()),
        newest=final[-1] if final else found[-1] if found else None,
        total=entries.count(),
        unsequenced=events.filter(entry__isnull=True).count(),
    )


def entry_row(entry: LedgerEntry, found: Sequence[Head]) -> EntryRow:
    """The row of one entry, with its event already fetched."""
    head = covering(found, entry.seq)
    state = head.state if head else "SEQUENCED"
    return EntryRow(
        seq=entry.seq,
        at=entry.event.at,
        type=entry.event.type,
        subject=entry.event.subject,
        sentence=sentence(entry.event.type, as_bytes(entry.event.payload)),
        leaf_hash=entry.leaf_hash,
        state=state,
        state_name=NAMES.get(state, state),
        tx_hash=head.tx_hash if head else "",
    )


def entry_page(entry: LedgerEntry) -> EntryPage:
    """One entry in full."""
    found = heads()
    event = entry.event
    payload = as_bytes(event.payload)
    return EntryPage(
        row=entry_row(entry, found),
        fields=tuple(fields_of(payload)),
        payload=payload.decode("utf-8", "replace"),
        payload_commit=event.payload_commit,
        salt=as_bytes(event.salt).hex(),
        leaf=as_bytes(entry.leaf).decode("utf-8", "replace"),
        prev_hash=entry.prev_hash,
        head=covering(found, entry.seq),
    )


def fields_of(payload: bytes) -> Iterator[tuple[str, str]]:
    """The payload's members on one line each."""
    try:
        tree: Any = orjson.loads(payload)
    except ValueError:
        return
    for key, value in tree.items() if isinstance(tree, dict) else []:
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        yield named(str(key)), text


def ledger_export(entries: QuerySet[LedgerEntry]) -> Iterator[list[object]]:
    """The rows under HEADER of exactly these entries."""
    found = heads()
    for entry in entries.iterator(chunk_size=1000):
        row = entry_row(entry, found)
        yield [row.seq, utc_text(row.at), row.type, row.subject, row.sentence, row.leaf_hash, row.state, row.tx_hash]
