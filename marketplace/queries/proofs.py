"""The proof of an entry, made from rows: for the entry's page, for GET /ledger/<seq>/proof and GET /orders/<id>/proof.

What a proof holds is told in ledger.proof, how it is checked in ledger.checks. As JSON (Proof.as_json) it reads:

    {"log_id": "...",
     "entry": {"seq": 7, "type": "settlement.statement", "at": "2024-01-16T13:10:00.000Z", "subject": "order:<uuid>",
               "parties": [1], "org_seqs": [3], "payload": "<canonical JSON text>", "salt": hex, "payload_commit": hex,
               "leaf": "<canonical JSON text>", "leaf_hash": hex, "prev_hash": hex},
     "previous": hex or null,                      leaf hash of entry seq - 1
     "head": {"number": 3, "size": 9, "root": hex, "anchor": ANCHOR} or null while no tree head covers the entry,
     "path": [hex, ...],                           nearest sibling first (RFC 9162)
     "settlement": {"statement": uuid, "run": "II", "salt": hex, "settlement_id": hex, "commitment": hex,
                    "record_key": hex, "supersedes": hex or "", "anchor": ANCHOR} or null}
    ANCHOR: {"state": "FINAL", "tx_hash": "0x...", "chain_id": 31337, "contract": "0x...", "block_number": 12, "block_hash": "0x..."}

Payload and salt are for the parties and for auditors: a door passes entries that its user may see, and no others.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db.models import QuerySet

from marketplace.ledger import merkle, reader
from marketplace.ledger.checks import ChainReader, Check, checks, verdict
from marketplace.ledger.leaf import FIRST_PREV, utc_ms
from marketplace.ledger.log import BrokenLogError, as_bytes, leaf_hashes, statement_of
from marketplace.ledger.onchain import ChainError
from marketplace.ledger.proof import STATEMENT, Entry, Head, OnChain, Proof, Settlement
from marketplace.ledger.settlement import record_key
from marketplace.models import Anchor, LedgerEntry, SettlementRecord

__all__ = ["Check", "Proof", "chain_reader", "checks", "proof_of", "statement_entry_of", "verdict"]


def proof_of(entry: LedgerEntry) -> Proof:
    """The proof of `entry` under the smallest final head that covers it; under any head while none is final.

    A log with a gap gives a proof whose path leads nowhere, so that the check says it rather than the page failing.
    """
    head = covering_head(entry.seq)
    return Proof(
        log_id=settings.LEDGER_LOG_ID,
        entry=entry_facts(entry),
        previous=leaf_hash_before(entry.seq),
        head=head,
        path=audit_path(entry.seq, head),
        settlement=settlement_of(entry),
    )


def statement_entry_of(entries: QuerySet[LedgerEntry], *, order_id: uuid.UUID) -> LedgerEntry | None:
    """The newest settlement statement of an order among `entries`, the entries that a person may see."""
    found = entries.filter(event__type=STATEMENT, event__subject=f"order:{order_id}")
    return found.select_related("event").order_by("-seq").first()


def chain_reader() -> ChainReader | None:
    """This installation's contract, ready to be asked; None when it has no chain on purpose. It never raises."""
    try:
        return reader.installed()
    except ChainError as problem:
        return reader.Unanswering(problem)


def entry_facts(entry: LedgerEntry) -> Entry:
    """The entry and its event as plain values."""
    event = entry.event
    numbers = entry.numbers.order_by("organisation_id").values_list("organisation_id", "org_seq")
    return Entry(
        seq=entry.seq,
        type=event.type,
        at=utc_ms(event.at),
        subject=event.subject,
        parties=tuple(sorted(event.organisations.values_list("pk", flat=True))),
        org_seqs=tuple(seq for _, seq in numbers),
        payload=as_bytes(event.payload).decode("utf-8", "replace"),
        salt=as_bytes(event.salt).hex(),
        payload_commit=event.payload_commit,
        leaf=as_bytes(entry.leaf).decode("utf-8", "replace"),
        leaf_hash=entry.leaf_hash,
        prev_hash=entry.prev_hash,
    )


def leaf_hash_before(seq: int) -> str | None:
    """The leaf hash of the entry before number `seq`; None when that entry is missing."""
    if seq == 0:
        return FIRST_PREV
    return LedgerEntry.objects.filter(seq=seq - 1).values_list("leaf_hash", flat=True).first()


def covering_head(seq: int) -> Head | None:
    """The smallest final head over leaf `seq`, or the smallest at all while none is final."""
    heads = Anchor.objects.filter(kind=Anchor.Kind.HEAD, size__gt=seq).order_by("size")
    found = heads.filter(state=Anchor.State.FINAL).first() or heads.first()
    if found is None:
        return None
    return Head(number=found.seq or 0, size=found.size or 0, root=found.root, anchor=on_chain(found))


def audit_path(seq: int, head: Head | None) -> tuple[str, ...]:
    """The path of leaf `seq` under `head`."""
    if head is None:
        return ()
    try:
        return tuple(one.hex() for one in merkle.inclusion_proof(leaf_hashes(head.size), seq))
    except BrokenLogError:
        return ()


def settlement_of(entry: LedgerEntry) -> Settlement | None:
    """The record of the statement an entry is about."""
    statement = statement_of(entry)
    if statement is None:
        return None
    found = SettlementRecord.objects.filter(statement_id=statement).select_related("anchor").first()
    if found is None:
        return None
    return Settlement(
        statement=str(found.statement_id),
        run=found.run,
        salt=as_bytes(found.salt).hex(),
        settlement_id=found.settlement_id,
        commitment=found.commitment,
        record_key=record_key(found.settlement_id, found.run),
        supersedes=found.supersedes,
        anchor=on_chain(found.anchor),
    )


def on_chain(anchor: Anchor | None) -> OnChain:
    """Where an anchor stands; a record without one waits."""
    if anchor is None:
        return OnChain(Anchor.State.PENDING, "", None, "", None, "")
    return OnChain(
        state=str(anchor.state),
        tx_hash=anchor.tx_hash,
        chain_id=anchor.chain_id,
        contract=anchor.contract,
        block_number=anchor.block_number,
        block_hash=anchor.block_hash,
    )
