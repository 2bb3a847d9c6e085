"""Checkpoints: a tree head as a signed note, by the log's own key and by witnesses, as C2SP writes them.

The formats are c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature and tlog-proof, so that public tools read ours.
Pure but for one room, the key file: it knows no database and no tiles. The key is the third of an installation's, apart
from Beckn's and from the chain's: whoever has one of them cannot speak for the others.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from marketplace.ledger import key_file

ED25519, COSIGNATURE = 1, 4  # algorithm bytes of signed-note and tlog-cosignature
DASH = "\N{EM DASH} "
PROOF = "c2sp.org/tlog-proof@v1"
MOST_LINES = 64


class NoteError(ValueError):
    """A text that is no checkpoint, signature or key; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Head:
    """A tree head: whose log, how many leaves, and the root over them."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The note's text, which is what is signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line. `value` comes after the four bytes that name the key."""

    name: str
    key_id: bytes
    value: bytes

    def line(self) -> str:
        """As it stands in a note."""
        return f"{DASH}{self.name} {b64encode(self.key_id + self.value).decode()}\n"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A head with its signatures, and the text that they are of."""

    head: Head
    text: str
    signatures: tuple[Signature, ...]

    def note(self) -> str:
        """The whole note."""
        return self.text + "\n" + "".join(one.line() for one in self.signatures)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key to check signatures by. `algorithm` is ED25519 for a log and COSIGNATURE for a witness."""

    name: str
    algorithm: int
    key: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes that name the key in a signature."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.algorithm]) + self.key).digest()[:4]

    def text(self) -> str:
        """The verifier key (vkey) that other tools are given."""
        return f"{self.name}+{self.key_id.hex()}+{b64encode(bytes([self.algorithm]) + self.key).decode()}"


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key to sign with: `seed` is 32 bytes."""

    name: str
    algorithm: int
    seed: bytes

    @property
    def public(self) -> PublicKey:
        """What others check its signatures by."""
        return PublicKey(self.name, self.algorithm, bytes(SigningKey(self.seed).verify_key))

    def sign(self, text: str) -> Signature:
        """The log's own signature of a note's text."""
        return Signature(self.name, self.public.key_id, SigningKey(self.seed).sign(text.encode()).signature)

    def cosign(self, text: str, *, at: int) -> Signature:
        """A witness's statement that at `at`, in seconds since 1970, this was the largest head it knew."""
        signed = SigningKey(self.seed).sign(cosigned(text, at)).signature
        return Signature(self.name, self.public.key_id, at.to_bytes(8, "big") + signed)


def cosigned(text: str, at: int) -> bytes:
    """What a cosignature is of."""
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def verified(signature: Signature, text: str, key: PublicKey) -> bool:
    """Whether `signature` is of `text` and by `key`."""
    if (signature.name, signature.key_id) != (key.name, key.key_id):
        return False
    value, message = signature.value, text.encode()
    if key.algorithm == COSIGNATURE:
        if len(value) != 72:
            return False
        value, message = value[8:], cosigned(text, int.from_bytes(value[:8], "big"))
    try:
        VerifyKey(key.key).verify(message, value)
    except (BadSignatureError, ValueError):
        return False
    return True


def signed_by(checkpoint: Checkpoint, keys: Iterable[PublicKey]) -> list[Signature]:
    """The signatures that one of `keys` vouches for."""
    known = list(keys)
    return [one for one in checkpoint.signatures if any(verified(one, checkpoint.text, key) for key in known)]


def public_key(text: str) -> PublicKey:
    """A vkey. Raises NoteError."""
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    raw = decoded(encoded)
    if not is_name(name) or len(raw) != 33 or raw[0] not in {ED25519, COSIGNATURE}:
        raise NoteError(f"{text[:80]!r} is no verifier key: name+id+key, with an Ed25519 key of type 1 or 4")
    found = PublicKey(name, raw[0], raw[1:])
    if found.key_id.hex() != key_id:
        raise NoteError(f"the id {key_id[:16]!r} is not that of the key of {name}")
    return found


def parse(note: str) -> Checkpoint:
    """A checkpoint with its signatures, none of them checked. Raises NoteError."""
    text, found, lines = note.partition("\n\n")
    if not found or not lines.endswith("\n") or lines.count("\n") > MOST_LINES:
        raise NoteError("a checkpoint is a text, an empty line and signature lines")
    return Checkpoint(head_of(text + "\n"), text + "\n", tuple(signature_of(line) for line in lines[:-1].split("\n")))


def head_of(text: str) -> Head:
    """The head that a note's text tells. Raises NoteError."""
    lines = text.split("\n")
    if len(lines) < 4 or not all(lines[:3]) or not is_number(lines[1]):
        raise NoteError("the text of a checkpoint is origin, size and root on a line each")
    root = decoded(lines[2])
    if len(root) != 32:
        raise NoteError("the root of a checkpoint is 32 bytes in base64")
    return Head(lines[0], int(lines[1]), root)


def signature_of(line: str) -> Signature:
    """One signature line. Raises NoteError."""
    name, _, encoded = line.removeprefix(DASH).partition(" ")
    raw = decoded(encoded)
    if not line.startswith(DASH) or not is_name(name) or len(raw) < 5:
        raise NoteError(f"{line[:80]!r} is no signature line")
    return Signature(name, raw[:4], raw[4:])


def is_name(text: str) -> bool:
    """Whether signed notes take it as the name of a key."""
    return bool(text) and text.isprintable() and "+" not in text and " " not in text


def is_number(text: str) -> bool:
    """A decimal without leading zeros that fits in 63 bits."""
    return text.isascii() and text.isdecimal() and str(int(text[:20])) == text and int(text) < 2**63


def decoded(text: str) -> bytes:
    """Canonical base64; what is none gives no bytes."""
    try:
        raw = b64decode(text, validate=True)
    except ValueError:
        return b""
    return raw if b64encode(raw).decode() == text else b""


def proof_text(checkpoint: str, *, index: int, path: Sequence[bytes]) -> str:
    """A tlog-proof: that entry `index` is in the checkpointed log, to be checked offline by whoever holds the keys."""
    hashes = "".join(f"{b64encode(one).decode()}\n" for one in path)
    return f"{PROOF}\nindex {index}\n{hashes}\n{checkpoint}"


def own_key(path: Path, *, name: str) -> PrivateKey:
    """The log's key, made on first use in a file of mode 0400. Raises KeyFileError."""
    key_file.create(path, mode=0o400)
    absent = f"there is no checkpoint key at {path}"
    return PrivateKey(name, ED25519, key_file.load(path, kind="Ed25519", absent=absent))
