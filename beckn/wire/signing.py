"""Signatures on raw bytes: the digest, the signing string, the Authorization header both ways.

The algorithm is Ed25519 over three lines that hold `created`, `expires` and the BLAKE2b-512 digest of the body (the header
calls it BLAKE-512); in the newer drafts an answer has a fourth, the signature of what it answers (beckn.wire.chain). Headers are written in the standard's exact spelling and read in any order and spacing, but by one
strict grammar: every parameter once and none unknown, because what two parsers read differently is a hole.
Which key belongs to whom is the registry's knowledge, not this room's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Self

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from beckn.wire.errors import WireError

LIFETIME_S = 300
AHEAD_S = 5  # `created` may be this far ahead of our clock; `expires` has no tolerance
LONGEST_S = 3660  # peers in use sign for an hour from a minute ago
LONGEST_HEADER = 2048
LINES = "(created) (expires) digest"
CHAINED = f"{LINES} request-signature"
PARAMETERS = frozenset({"keyId", "algorithm", "created", "expires", "headers", "signature"})
PARAMETER = re.compile(r"([A-Za-z]+) *= *\"([^\"\\]*)\"")
LIST = re.compile(rf"Signature +({PARAMETER.pattern}(?: *, *{PARAMETER.pattern})*) *")
NUMBER = re.compile(r"[1-9][0-9]{0,9}")


@dataclass(frozen=True, slots=True)
class Signer:
    """Whoever signs: subscriber id, key id and secret key. Its repr shows no secret."""

    subscriber_id: str
    key_id: str
    secret: SigningKey = field(repr=False)

    @classmethod
    def of(cls, subscriber_id: str, key_id: str, seed: bytes) -> Self:
        """From 32 bytes of seed; raises ValueError for any other length."""
        return cls(subscriber_id, key_id, SigningKey(seed))

    @property
    def public_key(self) -> str:
        """The public key as the registry holds it: base64 of 32 bytes."""
        return base64.b64encode(bytes(self.secret.verify_key)).decode()


@dataclass(frozen=True, slots=True)
class Signature:
    """A parsed Authorization header; times are Unix seconds.

    `is_chained`: it signs four lines. `is_exact`: the header is spelt as the standard writes it.
    """

    subscriber_id: str
    key_id: str
    created: int
    expires: int
    value: bytes
    is_chained: bool = False
    is_exact: bool = field(default=True, compare=False)


@lru_cache(maxsize=4)  # three rooms ask for the digest of one message while it is judged
def hashed(raw: bytes) -> bytes:
    """BLAKE2b-512 of the body: 64 bytes."""
    return hashlib.blake2b(raw, digest_size=64).digest()


def digest(raw: bytes, label: str = "BLAKE-512") -> str:
    """The body's digest as it stands in the signing string."""
    return f"{label}={base64.b64encode(hashed(raw)).decode()}"


def signing_string(raw: bytes, created: int, expires: int, *, answering: str = "", label: str = "BLAKE-512") -> str:
    """The three signed lines, and a fourth when `answering` (a signature in base64), without a newline at the end."""
    chain = f"\nrequest-signature: {answering}" if answering else ""
    return f"(created): {created}\n(expires): {expires}\ndigest: {digest(raw, label)}{chain}"


def sign(raw: bytes, signer: Signer, *, now: datetime, answering: str = "") -> str:
    """The Authorization header for `raw`, valid LIFETIME_S from `now`; chained to the signature it is `answering`."""
    created = int(now.timestamp())
    text = signing_string(raw, created, created + LIFETIME_S, answering=answering)
    value = signer.secret.sign(text.encode()).signature
    return header(signer, created, created + LIFETIME_S, value, CHAINED if answering else LINES)


def header(signer: Signer, created: int, expires: int, value: bytes, lines: str = LINES) -> str:
    """A signature in the standard's spelling."""
    key = f"{signer.subscriber_id}|{signer.key_id}|ed25519"
    return spell(key, str(created), str(expires), lines, base64.b64encode(value).decode())


def spell(key: str, created: str, expires: str, lines: str, value: str) -> str:
    """The header's one exact spelling."""
    return (
        f'Signature keyId="{key}",algorithm="ed25519",created="{created}",'
        f'expires="{expires}",headers="{lines}",signature="{value}"'
    )


def value_of(text: str) -> str:
    """The signature in a header as its base64 text. Raises WireError AUT_SIGNATURE_INVALID for anything else."""
    return base64.b64encode(parse(text).value).decode()


def parse(text: str) -> Signature:
    """Read an Authorization header. Raises WireError AUT_SIGNATURE_MISSING or AUT_SIGNATURE_INVALID."""
    if not text.strip():
        raise WireError("AUT_SIGNATURE_MISSING", "The request has no Authorization header with a Signature.")
    whole = LIST.fullmatch(text) if len(text) <= LONGEST_HEADER and is_plain(text) else None
    if whole is None:
        raise unreadable('it is not a list of name="value" after the word Signature')
    pairs = PARAMETER.findall(whole.group(1))
    named = dict(pairs)
    if len(pairs) != len(named) or set(named) != PARAMETERS:
        raise unreadable(f"it must have each of {', '.join(sorted(PARAMETERS))} once and nothing else")
    key = named["keyId"].split("|")
    if len(key) != 3 or not all(key) or key[2] != "ed25519" or named["algorithm"] != "ed25519":
        raise unreadable("keyId must be subscriber|key|ed25519, and algorithm ed25519")
    lines = " ".join(named["headers"].split())
    if lines not in (LINES, CHAINED):
        raise unreadable(f"headers must be {LINES!r}")
    if not NUMBER.fullmatch(named["created"]) or not NUMBER.fullmatch(named["expires"]):
        raise unreadable("created and expires must be whole Unix seconds")
    value = decode(named["signature"], 64)
    exact = text == spell(named["keyId"], named["created"], named["expires"], lines, named["signature"])
    times = int(named["created"]), int(named["expires"])
    return Signature(key[0], key[1], *times, value, is_chained=lines == CHAINED, is_exact=exact)


def is_plain(text: str) -> bool:
    """Printable ASCII: what every parser reads the same, and every database stores."""
    return text.isascii() and text.isprintable()


def unreadable(reason: str) -> WireError:
    """The error for a header outside the grammar."""
    return WireError("AUT_SIGNATURE_INVALID", f"The Authorization header cannot be read: {reason}.")


def decode(text: str, length: int) -> bytes:
    """Exactly `length` bytes from base64 that has one spelling only. Raises WireError AUT_SIGNATURE_INVALID."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if len(value) != length or base64.b64encode(value).decode() != text:
        raise unreadable(f"a value is not the base64 of {length} bytes")
    return value


def check_times(signature: Signature, *, now: datetime) -> None:
    """Raise WireError unless the signature is in force at `now`."""
    if not signature.created < signature.expires <= signature.created + LONGEST_S:
        raise WireError("AUT_SIGNATURE_INVALID", f"expires must be within {LONGEST_S} s after created.")
    if signature.created > now.timestamp() + AHEAD_S:
        raise WireError("AUT_SIGNATURE_INVALID", f"created lies more than {AHEAD_S} s in the future.")
    if now.timestamp() > signature.expires:
        raise WireError("AUT_SIGNATURE_INVALID", "The signature has expired; sign again.")


def verify(signature: Signature, raw: bytes, public_key: str) -> None:
    """Raise WireError AUT_SIGNATURE_INVALID unless `public_key` (base64) made the signature over exactly these bytes."""
    if signature.is_chained:
        raise unreadable(f"headers must be {LINES!r}")
    if not holds(signature.value, signing_string(raw, signature.created, signature.expires), public_key):
        raise WireError("AUT_SIGNATURE_INVALID", "The signature does not fit the body and the registered key.")


def holds(value: bytes, signed: str, public_key: str) -> bool:
    """Whether `value` is the key's Ed25519 signature of the text. Keys of small order verify nothing (libsodium)."""
    try:
        VerifyKey(decode(public_key, 32)).verify(signed.encode(), value)
    except (BadSignatureError, WireError):
        return False
    return True
