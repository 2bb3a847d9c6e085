"""Each thing that can be checked about a proof, by anybody, one at a time and in plain words.

The checks go the second way (recompute.py), ask the chain through a port, and trust nothing the installation that made the
proof says. A check that cannot be made says so: it has neither held nor failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import msgspec

from marketplace.ledger import merkle
from marketplace.ledger.proof import STATEMENT, OnChain, Proof, Settlement, stored
from marketplace.ledger.recompute import Fault, faults
from marketplace.ledger.settlement import record_key, settlement_id, statement_commitment


@dataclass(frozen=True, slots=True)
class Said:
    """What a statement's payload says about itself."""

    statement: str
    run: str


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `held` is None when it could not be looked at; `why` says what was found."""

    name: str
    title: str
    held: bool | None
    why: str


class ChainReader(Protocol):
    """What the checks ask a chain. Each method raises OSError when the chain cannot be asked."""

    def anchored_root(self, number: int, /) -> tuple[int, str, str] | None:
        """Size, root and transaction of head `number` by the contract's Anchored event; None when it emitted none."""

    def recorded_commitment(self, key: str, /) -> tuple[str, str] | None:
        """Commitment and transaction of a record key by its SettlementRecorded event; None when there is none."""


def checks(proof: Proof, chain: ChainReader | None) -> tuple[Check, ...]:
    """Every check of `proof`, in the order one would make them by hand. `chain` is None where none is configured."""
    return (*entry_checks(proof), inclusion(proof), chain_root(proof, chain), *settlement_checks(proof, chain))


def verdict(found: Iterable[Check]) -> bool | None:
    """False when a check failed, None when none failed and one could not be made, True when all held."""
    held = [check.held for check in found]
    return False if False in held else None if None in held else True


def entry_checks(proof: Proof) -> Iterator[Check]:
    """What needs the entry alone."""
    found = list(faults(stored(proof.entry), prev=proof.previous))
    yield judged(
        "payload",
        "The text is what was committed to",
        found,
        "type, salt and payload give the commitment, and the payload is canonical JSON",
    )
    yield judged("leaf", "The leaf follows from the entry", found, "written anew from its parts it is the same")
    yield judged("leaf_hash", "The leaf hash is the hash of the leaf", found, "SHA-256 over 0x00 and the leaf gives it")
    title = "It links to the entry before it"
    if proof.previous is None:
        yield Check("prev", title, None, "the entry before is not at hand")
    else:
        yield judged("prev", title, found, "it holds the leaf hash of the entry before it")


def judged(name: str, title: str, found: Iterable[Fault], fine: str) -> Check:
    """The check `name` after the faults found under its name."""
    wrong = [fault.why for fault in found if fault.check == name]
    return Check(name, title, not wrong, "; ".join(wrong) or fine)


def judged_all(name: str, title: str, count: int, faults: Iterable[str], unasked: str = "") -> Check:
    """A check of `count` things after the faults found in them, the first in words; `unasked` says why none was made."""
    if unasked:
        return Check(name, title, None, unasked)
    wrong = list(faults)
    more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    return Check(name, title, not wrong, f"{wrong[0]}{more}" if wrong else f"{count} checked")


def inclusion(proof: Proof) -> Check:
    """Whether the path leads from the leaf to the head's root."""
    title, head = "It is in the tree", proof.head
    if head is None:
        return Check("inclusion", title, None, "no tree head covers this entry yet")
    held = merkle.verify_inclusion(
        leaf=bytes.fromhex(proof.entry.leaf_hash),
        index=proof.entry.seq,
        size=head.size,
        proof=[bytes.fromhex(one) for one in proof.path],
        root=bytes.fromhex(head.root),
    )
    found = f"{len(proof.path)} hashes lead from leaf {proof.entry.seq} to the root of head {head.number}"
    return Check(
        "inclusion", title, held, f"{found}, over {head.size} entries" if held else f"it fails: not all {found}"
    )


def chain_root(proof: Proof, chain: ChainReader | None) -> Check:
    """Whether the contract accepted a head with this number, size and root."""
    name, title, head = "chain_root", "The chain holds that tree's root", proof.head
    if head is None:
        return Check(name, title, None, "no tree head covers this entry yet")
    if chain is None:
        return Check(name, title, None, "this installation has no chain (NO_CHAIN)")
    try:
        found = chain.anchored_root(head.number)
    except OSError as problem:
        return Check(name, title, None, f"could not be asked: {problem}")
    if found is None:
        return missing(name, title, f"head {head.number}", head.anchor)
    size, root, tx_hash = found
    if (size, root) != (head.size, head.root):
        return Check(name, title, False, f"the contract accepted another head {head.number}: size {size}, root {root}")
    return stands(name, title, f"the contract accepted head {head.number} with it", tx_hash, head.anchor)


def missing(name: str, title: str, what: str, anchor: OnChain) -> Check:
    """What it means that the contract does not hold `what`: too early, or a claim that is not true."""
    if anchor.state == "FINAL":
        return Check(name, title, False, f"the contract holds no {what}, though it is said to stand there")
    return Check(name, title, None, f"{what} is not on the chain yet (it is {anchor.state.lower()})")


def stands(name: str, title: str, what: str, tx_hash: str, anchor: OnChain) -> Check:
    """It is on chain; what is said to be final must also stand in the transaction that is named for it."""
    if anchor.state == "FINAL" and anchor.tx_hash.lower() != tx_hash.lower():
        return Check(name, title, False, f"{what}, but in transaction {tx_hash} and not in {anchor.tx_hash or 'none'}")
    return Check(name, title, True, f"{what}, in transaction {tx_hash}")


def settlement_checks(proof: Proof, chain: ChainReader | None) -> Iterator[Check]:
    """For a statement: whether its record follows from it, and whether the contract holds that record."""
    if proof.entry.type != STATEMENT:
        return
    title = "The settlement record follows from the statement"
    record = proof.settlement
    if record is None:
        yield Check("record", title, None, "no settlement record has been made yet")
        return
    wrong = record_faults(proof, record)
    fine = "statement, log and salt give its identity, payload and salt its commitment"
    yield Check("record", title, not wrong, "; ".join(wrong) or fine)
    yield chain_record(record, chain)


def record_faults(proof: Proof, record: Settlement) -> list[str]:
    """What of a settlement record does not follow from its statement."""
    try:
        said = msgspec.json.decode(proof.entry.payload, type=Said)
        statement = UUID(said.statement)
        salt = bytes.fromhex(record.salt)
        due = settlement_id(statement, log_id=proof.log_id, salt=salt)
        key = record_key(due, said.run)
    except ValueError as problem:
        return [f"the statement cannot be read ({problem})"]
    pairs = [
        ("the statement", record.statement, str(statement)),
        ("the run", record.run, said.run),
        ("the settlement's identity", record.settlement_id, due),
        ("the commitment", record.commitment, statement_commitment(proof.entry.payload.encode(), salt=salt)),
        ("the record key", record.record_key, key),
    ]
    return [f"{name} is not the one that follows from it" for name, claimed, follows in pairs if claimed != follows]


def chain_record(record: Settlement, chain: ChainReader | None) -> Check:
    """Whether the contract holds the record."""
    name, title = "chain_record", "The chain holds that record"
    if chain is None:
        return Check(name, title, None, "this installation has no chain (NO_CHAIN)")
    try:
        found = chain.recorded_commitment(record.record_key)
    except OSError as problem:
        return Check(name, title, None, f"could not be asked: {problem}")
    if found is None:
        return missing(name, title, f"record {record.record_key}", record.anchor)
    commitment, tx_hash = found
    if commitment != record.commitment:
        return Check(name, title, False, f"the contract holds another commitment for it: {commitment}")
    return stands(name, title, "the contract holds its commitment", tx_hash, record.anchor)
