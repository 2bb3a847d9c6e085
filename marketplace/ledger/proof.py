"""The proof of one entry as plain values, which travel as JSON: everything it takes to check the entry anywhere.

Pure. Making one from rows is queries.proofs' work, checking one is checks.py's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from marketplace.ledger.recompute import Stored

STATEMENT = "settlement.statement"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry with its payload and salt. Hashes and the salt are hex, `at` is UTC to the millisecond.

    `org_seqs` are its numbers within each of `parties`, in the same order; a proof from before there were any has none.
    """

    seq: int
    type: str
    at: str
    subject: str
    parties: tuple[int, ...]
    payload: str
    salt: str
    payload_commit: str
    leaf: str
    leaf_hash: str
    prev_hash: str
    org_seqs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class OnChain:
    """Where something stands, or is to stand, on a chain. `state` is the anchor's; hashes carry 0x."""

    state: str
    tx_hash: str
    chain_id: int | None
    contract: str
    block_number: int | None
    block_hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """The tree head an entry is proven under."""

    number: int
    size: int
    root: str
    anchor: OnChain


@dataclass(frozen=True, slots=True)
class Settlement:
    """A statement's record: the hashes of ledger.settlement with the salt that opens them."""

    statement: str
    run: str
    salt: str
    settlement_id: str
    commitment: str
    record_key: str
    supersedes: str
    anchor: OnChain


@dataclass(frozen=True, slots=True)
class Proof:
    """Everything it takes to check one entry. `previous` is the leaf hash of the entry before; 64 zeros before entry 0."""

    log_id: str
    entry: Entry
    previous: str | None
    head: Head | None
    path: tuple[str, ...]
    settlement: Settlement | None

    def as_json(self) -> dict[str, Any]:
        """The proof as plain JSON values."""
        return dict(msgspec.to_builtins(self))


def proof_from_json(value: Any) -> Proof:
    """A proof somebody else made. Raises ValueError, naming the member, when it is not one."""
    proof = msgspec.convert(value, Proof)
    texts = [proof.entry.leaf_hash, proof.entry.prev_hash, *proof.path]
    texts += [proof.previous] if proof.previous is not None else []
    texts += [proof.head.root] if proof.head else []
    texts += [proof.settlement.settlement_id, proof.settlement.salt] if proof.settlement else []
    for text in texts:
        if len(bytes.fromhex(text)) != 32:
            raise ValueError(f"{text[:80]!r} is not a hash of 32 bytes in hex")
    stored(proof.entry)
    return proof


def stored(entry: Entry) -> Stored:
    """The entry as recompute wants it. Raises ValueError when time or salt cannot be read."""
    return Stored(
        seq=entry.seq,
        type=entry.type,
        at=datetime.fromisoformat(entry.at.replace("Z", "+00:00")),
        subject=entry.subject,
        parties=entry.parties,
        org_seqs=entry.org_seqs,
        payload=entry.payload.encode(),
        salt=bytes.fromhex(entry.salt),
        payload_commit=entry.payload_commit,
        leaf=entry.leaf.encode(),
        leaf_hash=entry.leaf_hash,
        prev_hash=entry.prev_hash,
    )
