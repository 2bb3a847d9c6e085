"""The second way to an entry's hashes: from the stored bytes alone, with the standard library alone.

leaf.py is the first way. The sequencer compares the two before it seals, and every verifier goes this second way, so a
fault in one of them cannot hide behind itself. Pure: no Django, no rfc8785, nothing of leaf.py.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any

FIRST_VERSION = b',"v":1}'  # how a leaf of version 1 ends in canonical form


@dataclass(frozen=True, slots=True)
class Stored:
    """An entry and its event as they lie in the database, or as a proof carries them. Hashes are 64 hex digits.

    `org_seqs` are the numbers of the entry within each of `parties`, in the same order.
    """

    seq: int
    type: str
    at: datetime
    subject: str
    parties: tuple[int, ...]
    org_seqs: tuple[int, ...]
    payload: bytes
    salt: bytes
    payload_commit: str
    leaf: bytes
    leaf_hash: str
    prev_hash: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that does not agree. `check` is one of payload, leaf, leaf_hash, prev, seq, org_seq and version."""

    check: str
    why: str


def faults(entry: Stored, *, prev: str | None) -> Iterator[Fault]:
    """Everything about `entry` that does not agree. `prev` is the leaf hash of the entry before, None if not at hand."""
    yield from payload_faults(entry)
    if leaf_of(entry) != entry.leaf:
        yield Fault("leaf", f"the leaf differs from its event in {', '.join(differing(entry)) or 'its spelling'}")
    if hashlib.sha256(b"\x00" + entry.leaf).hexdigest() != entry.leaf_hash:
        yield Fault("leaf_hash", "the leaf hash is not the hash of the leaf")
    if prev is not None and entry.prev_hash != prev:
        yield Fault("prev", "it does not link to the entry before it")


def payload_faults(entry: Stored) -> Iterator[Fault]:
    """Whether the payload is canonical and is what was committed to."""
    if commitment_of(entry) != entry.payload_commit:
        yield Fault("payload", "payload and salt do not give the commitment that was stored with them")
    try:
        canonical = spelled(json.loads(entry.payload))
    except (ValueError, RecursionError) as problem:
        yield Fault("payload", f"the payload is not JSON ({problem})")
        return
    if canonical != entry.payload:
        yield Fault("payload", "the payload is not in canonical form")


def commitment_of(entry: Stored) -> str:
    """SHA-256 over version, type, salt and payload."""
    return digest(b"caco/v1/", entry.type.encode(), b"\0", entry.salt, entry.payload)


def leaf_of(entry: Stored) -> bytes:
    """The leaf as it follows from the event's parts, its number and the entry before."""
    return spelled(members(entry))


def members(entry: Stored) -> dict[str, Any]:
    """The leaf's members."""
    about = [digest(b"caco/ref/v1", b"\0", entry.salt, entry.subject.encode())] if entry.subject else []
    first = entry.leaf.endswith(FIRST_VERSION)
    return {
        "at": entry.at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z",
        "party_commits": sorted(first_parties(entry) if first else numbered_parties(entry)),
        "payload_commit": commitment_of(entry),
        "prev": entry.prev_hash,
        "refs": about,
        "seq": entry.seq,
        "type": entry.type,
        "v": 1 if first else 2,
    }


def numbered_parties(entry: Stored) -> list[str]:
    """The parties' commitments, each with the entry's number within the party; where one lacks the other, 0 stands."""
    numbered = zip_longest(entry.parties, entry.org_seqs, fillvalue=0)
    return [digest(b"caco/party-seq/v1", b"\0", entry.salt, b"%d:%d" % pair) for pair in numbered]


def first_parties(entry: Stored) -> list[str]:
    """The same in a leaf of version 1, which knew no such numbers."""
    return [digest(b"caco/party/v1", b"\0", entry.salt, b"%d" % party) for party in entry.parties]


def differing(entry: Stored) -> list[str]:
    """Which members of the stored leaf are not what follows from the event, for the message."""
    try:
        said = json.loads(entry.leaf)
    except (ValueError, RecursionError):
        return ["everything: it is not JSON"]
    if not isinstance(said, dict):
        return ["everything: it is not an object"]
    due = members(entry)
    return sorted(name for name in due.keys() | said.keys() if due.get(name) != said.get(name))


def spelled(value: Any) -> bytes:
    """RFC 8785 for the restricted profile, where sorting ASCII keys and writing no fractions is all there is to it."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest(*parts: bytes) -> str:
    """SHA-256 of the parts one after another, in hex."""
    return hashlib.sha256(b"".join(parts)).hexdigest()


def chained(entries: Iterable[Stored]) -> Iterator[tuple[Stored, Fault]]:
    """Every fault of a whole log read from entry 0 on, gaps in the numbering among them, overall and of each party."""
    due, prev, first, own_due = 0, "0" * 64, True, defaultdict[int, int](lambda: 1)
    for entry in entries:
        if entry.seq != due:
            yield entry, Fault("seq", f"number {due} is missing: {entry.seq} follows {due - 1}")
        if len(entry.org_seqs) != len(entry.parties):
            yield entry, Fault("org_seq", "it lacks a number within one of the organisations it concerns")
        for party, seq in zip(entry.parties, entry.org_seqs, strict=False):
            if seq != own_due[party]:
                yield (
                    entry,
                    Fault("org_seq", f"it is number {seq} of organisation {party}, and {own_due[party]} is due"),
                )
            own_due[party] = seq + 1
        if entry.leaf.endswith(FIRST_VERSION) and not first:
            yield entry, Fault("version", "a leaf of version 1 follows one of version 2")
        first = first and entry.leaf.endswith(FIRST_VERSION)
        for fault in faults(entry, prev=prev):
            yield entry, fault
        due, prev = entry.seq + 1, entry.leaf_hash
