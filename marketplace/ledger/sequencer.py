"""Give committed events their numbers: gapless from 0, each linked to the one before, and gapless from 1 in each organisation.

The queue is the events without an entry. A pass sees committed events only, and numbers all it sees before anything
committed later, so the order is that of commits to within one pass. Inside a pass the time-ordered ids decide: an event
written after another was committed has the larger id. On SQLite, where one transaction writes at a time, that is commit
order exactly. A transaction that commits late is numbered late, and is never skipped: nothing remembers a position.

Two sequencers at once cannot both succeed, because numbers and events are unique: the second rolls back and the next pass
does its work. Before a batch is sealed, recompute.py derives it again from what the database holds; if they differ the
batch is rolled back and BrokenLogError stops the log until a person has looked.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from marketplace import notify
from marketplace.ledger.leaf import FIRST_PREV, Leaf, party_commits, refs
from marketplace.ledger.log import BrokenLogError, parties_of, read_log
from marketplace.ledger.merkle import leaf_hash
from marketplace.ledger.recompute import faults
from marketplace.models import Event, LedgerEntry, OrganisationNumber
from marketplace.models.insertion import insert_rows

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
        waiting = list(Event.objects.filter(entry__isnull=True).order_by("pk").defer("payload")[:BATCH])
        parties = defaultdict[uuid.UUID, list[int]](list)
        for one, party in parties_of([event.pk for event in waiting]):
            parties[one].append(party)
        entries: list[LedgerEntry] = []
        numbers: list[OrganisationNumber] = []
        newest_of: dict[int, int] = {}
        for seq, event in enumerate(waiting, start=first):
            own = next_numbers(parties[event.pk], seq=seq, newest_of=newest_of)
            entries.append(entry_of(event, seq=seq, prev=prev, numbers=own, now=now))
            prev = entries[-1].leaf_hash
            numbers += own
        if entries:
            insert_rows(entries)
            insert_rows(numbers)
            check_sealed(first, newest.leaf_hash if newest else FIRST_PREV)
            notify.changed("ledger")
    return len(entries)


def next_numbers(parties: Iterable[int], *, seq: int, newest_of: dict[int, int]) -> list[OrganisationNumber]:
    """The next number within each of these organisations; `newest_of` holds those given in this batch."""
    numbers = []
    for party in sorted(parties):
        if party not in newest_of:
            given = OrganisationNumber.objects.filter(organisation_id=party).order_by("-org_seq")
            newest_of[party] = given.values_list("org_seq", flat=True).first() or 0
        newest_of[party] += 1
        numbers.append(OrganisationNumber(entry_id=seq, organisation_id=party, org_seq=newest_of[party]))
    return numbers


def entry_of(event: Event, *, seq: int, prev: str, numbers: Iterable[OrganisationNumber], now: datetime) -> LedgerEntry:
    """The row of `event` at number `seq`, after the entry with leaf hash `prev`, with its `numbers` in organisations."""
    salt = bytes(event.salt)
    leaf = Leaf(
        seq=seq,
        type=event.type,
        at=event.at,
        prev=prev,
        payload_commit=event.payload_commit,
        party_commits=party_commits(((one.organisation_id, one.org_seq) for one in numbers), salt=salt),
        refs=refs(event.subject, salt=salt),
    ).bytes()
    return LedgerEntry(seq=seq, event=event, leaf=leaf, leaf_hash=leaf_hash(leaf).hex(), prev_hash=prev, created_at=now)


def check_sealed(first: int, prev: str) -> None:
    """Read the batch back and derive it anew the second way. Raises BrokenLogError, naming the first difference."""
    for entry in read_log(first=first):
        for fault in faults(entry, prev=prev):
            raise BrokenLogError(f"the log stopped at entry {entry.seq} ({entry.type}): {fault.why}")
        prev = entry.leaf_hash
