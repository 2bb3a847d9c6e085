"""What is hashed, byte for byte: the canonical payload, its salted commitment, and the leaf of an entry.

Pure: no Django and no chain, so that anybody may recompute a proof with this file, merkle.py and nothing else. The leaf
names nobody: it holds a number, a type, a time, the hash of the entry before, and salted commitments.

- payload: RFC 8785 JSON of a restricted profile (canonical below)
- payload_commit = SHA-256("caco/v1/" || type || 0x00 || salt || payload)
- ref            = SHA-256("caco/ref/v1" || 0x00 || salt || subject), one for the subject, none when there is none
- party_commit   = SHA-256("caco/party-seq/v1" || 0x00 || salt || organisation's number ":" its org_seq, in decimal), sorted
- leaf           = RFC 8785 JSON of {at, party_commits, payload_commit, prev, refs, seq, type, v}
  org_seq counts an organisation's entries from 1 without a gap, so that it can prove one that is kept from it. Leaves of
  v 1, from before there were such numbers, commit to "caco/party/v1" and the organisation's number alone
- leaf hash      = SHA-256(0x00 || leaf) (RFC 6962); `prev` is the leaf hash of entry seq - 1, 64 zeros before entry 0
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import rfc8785

VERSION = 2
FIRST_PREV = "0" * 64
SALT_BYTES = 32
MAX_DEPTH = 8
MAX_BYTES = 64 * 1024
MAX_INT = 2**53 - 1  # what every JSON reader holds exactly


class PayloadError(ValueError):
    """A payload outside the profile. `member` is where, for example lines[2].amount."""

    def __init__(self, member: str, problem: str) -> None:
        super().__init__(f"{member or 'the payload'} {problem}")
        self.member = member


def canonical(payload: Mapping[str, Any]) -> bytes:
    """RFC 8785 bytes of `payload`, its texts normalised to NFC.

    The profile leaves nothing to taste: printable ASCII keys, texts, integers within +-(2**53 - 1), true and false, lists
    and objects at most MAX_DEPTH deep, at most MAX_BYTES in all. Money and energy are integers or integers as text;
    no fractions, and absent instead of null. Raises PayloadError, naming the member.

    >>> canonical({"b": "é", "a": [1, True]})
    b'{"a":[1,true],"b":"\\xc3\\xa9"}'
    """
    text = rfc8785.dumps(plain(payload, "", 1))
    if len(text) > MAX_BYTES:
        raise PayloadError("", f"has {len(text)} bytes; {MAX_BYTES} is the most")
    return text


def plain(value: Any, member: str, depth: int) -> Any:
    """`value` as canonical JSON may hold it."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) > MAX_INT:
            raise PayloadError(member, f"is {value}, beyond 2**53 - 1; write it as text")
        return int(value)
    if isinstance(value, str):
        return plain_text(value, member)
    if not isinstance(value, Mapping | list | tuple):
        raise PayloadError(member, f"is a {type(value).__name__}; only texts, whole numbers, true and false are exact")
    if depth > MAX_DEPTH:
        raise PayloadError(member, f"is nested deeper than {MAX_DEPTH}")
    if isinstance(value, Mapping):
        return {plain_key(key, member): plain(one, joined(member, key), depth + 1) for key, one in value.items()}
    return [plain(one, f"{member}[{index}]", depth + 1) for index, one in enumerate(value)]


def plain_text(value: str, member: str) -> str:
    """NFC, so that one text has one spelling; a lone surrogate is no text."""
    text = unicodedata.normalize("NFC", str.__str__(value))
    try:
        text.encode()
    except UnicodeEncodeError as problem:
        raise PayloadError(member, "holds half a surrogate pair, which is no character") from problem
    return text


def plain_key(key: Any, member: str) -> str:
    """A key of printable ASCII: it then sorts alike in every language."""
    if not isinstance(key, str) or not key or not key.isascii() or not key.isprintable():
        raise PayloadError(joined(member, key), "has a key that is not printable ASCII text")
    return str.__str__(key)


def joined(member: str, key: Any) -> str:
    """The path of a member of an object."""
    return f"{member}.{key}" if member else f"{key}"


def payload_commitment(*, type: str, salt: bytes, payload: bytes) -> str:  # noqa: A002 - the record's own word
    """What the leaf says about the payload: nothing, to whoever lacks the salt."""
    return hashlib.sha256(b"caco/v1/" + type.encode() + b"\0" + salt + payload).hexdigest()


def commitment(domain: str, *, salt: bytes, value: str) -> str:
    """A salted commitment to a short text; `domain` keeps commitments of different meanings apart."""
    return hashlib.sha256(f"caco/{domain}/v1".encode() + b"\0" + salt + value.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Leaf:
    """One entry of the log without its payload."""

    seq: int
    type: str
    at: datetime
    prev: str
    payload_commit: str
    party_commits: tuple[str, ...]
    refs: tuple[str, ...]

    def bytes(self) -> bytes:
        """The leaf data, canonical: with keys of plain ASCII and no fractions, sorting them is all there is to it."""
        return orjson.dumps(
            {
                "v": VERSION,
                "seq": self.seq,
                "type": self.type,
                "at": utc_ms(self.at),
                "prev": self.prev,
                "payload_commit": self.payload_commit,
                "party_commits": list(self.party_commits),
                "refs": list(self.refs),
            },
            option=orjson.OPT_SORT_KEYS,
        )


def party_commits(parties: Iterable[tuple[int, int]], *, salt: bytes) -> tuple[str, ...]:
    """The organisations an entry concerns, each with its org_seq, in an order that gives none of them away."""
    return tuple(sorted(commitment("party-seq", salt=salt, value=f"{party}:{seq}") for party, seq in parties))


def refs(subject: str, *, salt: bytes) -> tuple[str, ...]:
    """What an entry is about."""
    return (commitment("ref", salt=salt, value=subject),) if subject else ()


def utc_ms(moment: datetime) -> str:
    """UTC with exactly three decimals, cut and not rounded.

    >>> utc_ms(datetime(2024, 1, 16, 13, 10, 0, 123999, tzinfo=UTC))
    '2024-01-16T13:10:00.123Z'
    """
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
