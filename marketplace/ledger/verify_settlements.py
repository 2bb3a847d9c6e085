"""Recompute statements and their records: rows against the log, records against statements, and the contract against both.

The whole log is checked in verify.py, which calls this room. It writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import orjson
from django.conf import settings

from marketplace.ledger.checks import Check, judged_all
from marketplace.ledger.log import as_bytes, statement_entry
from marketplace.ledger.proof import STATEMENT
from marketplace.ledger.settlement import record_key, settlement_id, statement_commitment
from marketplace.models import Anchor, Event, SettlementRecord, SettlementStatement

# What a statement's row and its entry in the log must both say.
FIELDS = (
    "run",
    "version",
    "delivered_wh",
    "eligible_wh",
    "shortfall_wh",
    "payment_pence",
    "penalty_pence",
    "amount_pence",
)
# What a statement that supersedes another must say besides.
SUPERSEDING = ("supersedes", "delta_pence")


def final_records() -> list[SettlementRecord]:
    """The records that are said to stand in the contract."""
    return list(SettlementRecord.objects.filter(anchor__state=Anchor.State.FINAL))


def record_checks(final: Sequence[SettlementRecord], on_chain: Mapping[str, str], unasked: str) -> Iterator[Check]:
    """Whether every record follows from its statement, and whether the contract holds the `final` ones."""
    records = list(SettlementRecord.objects.select_related("statement").order_by("pk"))
    title = "Every settlement record follows from its statement"
    yield judged_all("records", title, len(records), (why for record in records for why in record_faults(record)))
    title = "The contract holds every settlement record"
    wrong = (
        f"statement {record.statement_id}: the contract holds another commitment, or none"
        for record in final
        if on_chain.get(record_key(record.settlement_id, record.run)) != record.commitment
    )
    yield judged_all("chain_records", title, len(final), wrong, unasked)


def record_faults(record: SettlementRecord) -> Iterator[str]:
    """What of a record does not follow from the statement's entry."""
    salt, entry = as_bytes(record.salt), statement_entry(record.statement)
    if entry is None:
        yield f"statement {record.statement_id} has a record and no entry in the log"
        return
    follows = (
        settlement_id(record.statement_id, log_id=settings.LEDGER_LOG_ID, salt=salt),
        statement_commitment(as_bytes(entry.event.payload), salt=salt),
        record.statement.run,
    )
    if follows != (record.settlement_id, record.commitment, record.run):
        yield f"the record of statement {record.statement_id} does not follow from entry {entry.seq}"


def row_of(statement: SettlementStatement) -> tuple[str, ...]:
    """What the row says of itself, as its event says it."""
    return (
        *(str(getattr(statement, name)) for name in FIELDS),
        str(statement.supersedes_id),
        str(statement.delta_pence),
    )


def statements_check() -> Check:
    """Whether every statement's row says what its event says: the database shows what was proven."""
    statements = list(SettlementStatement.objects.order_by("created_at", "pk"))
    said = {}
    for payload in Event.objects.filter(type=STATEMENT).values_list("payload", flat=True):
        try:
            told = orjson.loads(as_bytes(payload))
            said[told["statement"]] = (
                *(str(told[name]) for name in FIELDS),
                *(str(told.get(name)) for name in SUPERSEDING),
            )
        except (ValueError, KeyError, TypeError):
            continue  # the entries check names it
    wrong = [
        f"statement {statement.pk} does not say what its event says"
        for statement in statements
        if said.get(str(statement.pk)) != row_of(statement)
    ]
    return judged_all("statements", "Every statement's row says what the log says", len(statements), wrong)
