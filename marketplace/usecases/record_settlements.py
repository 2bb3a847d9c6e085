"""Make a record for each settlement statement, in batches for the chain: salted hashes, never a price or a name.

A statement is recorded once a tree head covers its entry in the log, so the record is sent after that head and a settled
order's proof is complete. What the hashes are is told in ledger.settlement; sending them is ledger.sender's.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction

from marketplace import notify
from marketplace.ledger.leaf import SALT_BYTES
from marketplace.ledger.log import statement_entry
from marketplace.ledger.settlement import record_key, settlement_id, statement_commitment
from marketplace.models import Anchor, LedgerEntry, SettlementRecord, SettlementStatement

BATCH = 200  # 5.4 million gas, well below a block's limit


def record_settlements(*, now: datetime) -> int:
    """Batch every statement that has no record and may have one; answers how many were recorded."""
    with transaction.atomic():
        ready = list(recordable())
        for first in range(0, len(ready), BATCH):
            make_batch(ready[first : first + BATCH], now=now)
        if ready:
            notify.changed("ledger")
    return len(ready)


def recordable() -> Iterator[tuple[SettlementStatement, LedgerEntry]]:
    """Statements under a head, the corrected before its correction: the contract refuses an unknown predecessor."""
    heads = Anchor.objects.filter(kind=Anchor.Kind.HEAD).exclude(state=Anchor.State.FAILED).order_by("-seq")
    covered = heads.values_list("size", flat=True).first() or 0
    waiting = (
        SettlementStatement.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(record__isnull=True)
        .select_related("supersedes__record")
        .order_by("created_at", "sequence")
    )
    recorded = set()
    for statement in waiting:
        before, entry = statement.supersedes, statement_entry(statement)
        if before is not None and before.pk not in recorded and not hasattr(before, "record"):
            continue
        if entry is not None and entry.seq < covered:
            recorded.add(statement.pk)
            yield statement, entry


def make_batch(batch: Sequence[tuple[SettlementStatement, LedgerEntry]], *, now: datetime) -> None:
    """One RECORD anchor with its records."""
    anchor = Anchor.objects.create(kind=Anchor.Kind.RECORD, created_at=now, updated_at=now)
    for statement, entry in batch:
        salt = secrets.token_bytes(SALT_BYTES)
        SettlementRecord.objects.create(
            statement=statement,
            anchor=anchor,
            settlement_id=settlement_id(statement.pk, log_id=settings.LEDGER_LOG_ID, salt=salt),
            commitment=statement_commitment(bytes(entry.event.payload), salt=salt),
            supersedes=superseded_key(statement),
            run=statement.run,
            salt=salt,
        )


def superseded_key(statement: SettlementStatement) -> str:
    """The record key of the statement this one corrects; empty when it corrects none."""
    if statement.supersedes_id is None:
        return ""
    before = SettlementRecord.objects.get(statement_id=statement.supersedes_id)
    return record_key(before.settlement_id, before.run)
