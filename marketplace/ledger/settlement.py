"""The hashes of a settlement that stand on chain, and what recomputes them. Pure: no Django and no chain.

- settlementId = SHA-256("caco/sid/v1" || log id, UTF-8 || salt || the statement's UUID, 16 bytes)
- commitment   = SHA-256("caco/settlement/v1" || 0x00 || salt || payload of the statement's event)
- record key   = SHA-256(settlementId || run), the run as two ASCII letters; the contract computes the same

The salt is 32 random bytes of the record, the payload the canonical bytes of the `settlement.statement` entry in the log:
an auditor who is shown both, and the log's id, recomputes everything. Without the salt the hashes say nothing.
"""

from __future__ import annotations

import hashlib
import uuid


def settlement_id(statement: uuid.UUID, *, log_id: str, salt: bytes) -> str:
    """The statement's name on chain, 64 hex digits."""
    return hashlib.sha256(b"caco/sid/v1" + log_id.encode() + salt + statement.bytes).hexdigest()


def statement_commitment(payload: bytes, *, salt: bytes) -> str:
    """What the chain holds of the statement's content, 64 hex digits."""
    return hashlib.sha256(b"caco/settlement/v1\0" + salt + payload).hexdigest()


def record_key(settlement: str, run: str) -> str:
    """The contract's key of one run of a settlement, 64 hex digits. Raises ValueError unless the run has two letters."""
    if len(run) != 2 or not run.isascii():
        raise ValueError(f"run {run!r} is not two ASCII letters")
    return hashlib.sha256(bytes.fromhex(settlement) + run.encode()).hexdigest()
