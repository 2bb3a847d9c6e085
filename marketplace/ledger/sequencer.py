"""Give committed events their numbers: gapless from 0, each linked to the one before.

The queue is the events without an entry. A pass sees committed events only, and numbers all it sees before anything
committed later, so the order is that of commits to within one pass. Inside a pass the time-ordered ids decide: an event
written after another was committed has the larger id. On SQLite, where one transaction writes at a time, that is commit
order exactly. A transaction that commits late is numbered late, and is never skipped: nothing remembers a position.

Two sequencers at once cannot both succeed, because numbers and events are unique: the second rolls back and the next pass
does its work. Before a batch is sealed, recompute.py derives it again from what the database holds; if they differ the
batch is rolled back and BrokenLogError stops the log until a person has looked.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from marketplace import notify
from marketplace.ledger.leaf import FIRST_PREV, Leaf, party_commits, refs
from marketplace.ledger.log import BrokenLogError, read_log
from marketplace.ledger.merkle import leaf_hash
from marketplace.ledger.recompute import faults
from marketplace.models import Event, LedgerEntry

BATCH = 1000


def sequence(*, now: datetime) -> int:
    """Number every waiting event and answer how many there were. Raises BrokenLogError rather than seal a wrong leaf."""
    numbered = 0
    while batch := seal_batch(now=now):
        numbered += batch
        if batch < BATCH:
            break
    return numbered


def seal_batch(*, now: datetime) -> int:
    """Number up to BATCH waiting events in one transaction."""
    with transaction.atomic():
        newest = LedgerEntry.objects.order_by("-seq").first()
        first, prev = (newest.seq + 1, newest.leaf_hash) if newest else (0, FIRST_PREV)
        waiting = Event.objects.filter(entry__isnull=True).order_by("pk").prefetch_related("organisations")[:BATCH]
        entries: list[LedgerEntry] = []
        for seq, event in enumerate(waiting, start=first):
            entries.append(entry_of(event, seq=seq, prev=prev, now=now))
            prev = entries[-1].leaf_hash
        if entries:
            LedgerEntry.objects.bulk_create(entries)
            check_sealed(first, newest.leaf_hash if newest else FIRST_PREV)
            notify.changed("ledger")
    return len(entries)


def entry_of(event: Event, *, seq: int, prev: str, now: datetime) -> LedgerEntry:
    """The row of `event` at number `seq`, after the entry with leaf hash `prev`."""
    salt = bytes(event.salt)
    leaf = Leaf(
        seq=seq,
        type=event.type,
        at=event.at,
        prev=prev,
        payload_commit=event.payload_commit,
        party_commits=party_commits((one.pk for one in event.organisations.all()), salt=salt),
        refs=refs(event.subject, salt=salt),
    ).bytes()
    return LedgerEntry(seq=seq, event=event, leaf=leaf, leaf_hash=leaf_hash(leaf).hex(), prev_hash=prev, created_at=now)


def check_sealed(first: int, prev: str) -> None:
    """Read the batch back and derive it anew the second way. Raises BrokenLogError, naming the first difference."""
    for entry in read_log(first=first):
        for fault in faults(entry, prev=prev):
            raise BrokenLogError(f"the log stopped at entry {entry.seq} ({entry.type}): {fault.why}")
        prev = entry.leaf_hash
