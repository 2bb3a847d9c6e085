"""Our own keys: one file per role under settings.BECKN_KEY_DIR, readable by its owner only.

A file holds {subscriber_id, key_id, seed, encryption_seed}: base64 of 32 secret bytes each, Ed25519 to sign with and X25519
to open what is sealed for us (a registry's challenge, nothing else). While a key is being replaced the next one lies beside
it. Other participants' keys are the registry's affair. Secrets never go into the database, a log or a message.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import secrets
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from nacl.public import PrivateKey

from beckn.wire.signing import Signer

REGISTRY = "registry"  # the role in which our development registry signs its challenges


@dataclass(frozen=True, slots=True)
class Held:
    """What a key file holds. `opener` is None in a file from before there were encryption keys."""

    signer: Signer
    opener: PrivateKey | None = field(repr=False)

    @property
    def encr_public_key(self) -> str:
        """The encryption key's public half in base64; empty when there is none."""
        return base64.b64encode(bytes(self.opener.public_key)).decode() if self.opener else ""


def subscriber_id_of(role: str) -> str:
    """Who we are as `role` (bap, bpp or registry)."""
    return str(settings.BECKN_REGISTRY_ID if role == REGISTRY else settings.BECKN_PARTICIPANTS[role]["subscriber_id"])


def path_of(role: str) -> Path:
    """Where the key of `role` lies."""
    return within(settings.BECKN_KEY_DIR, role)


@lru_cache(maxsize=16)
def within(folder: str | Path, role: str) -> Path:
    """A role's file in the folder of keys; asked for at every signature."""
    return Path(folder) / f"{role}.json"


def next_path_of(role: str) -> Path:
    """Where the key lies that is about to replace it."""
    return Path(settings.BECKN_KEY_DIR) / f"{role}.next.json"


def own(role: str) -> Signer:
    """Our signer as `role`. Raises ImproperlyConfigured saying which command to run when there is no usable file."""
    return held(role).signer


def held(role: str) -> Held:
    """Our keys as `role`; raises as `own` does."""
    found = at(path_of(role))
    ours = subscriber_id_of(role)
    if found.signer.subscriber_id != ours:
        raise ImproperlyConfigured(
            f"{path_of(role)} is the key of {found.signer.subscriber_id}, but settings say that {role} is {ours}; "
            "move the file away and run `manage.py beckn_keygen`"
        )
    return found


def openers(role: str) -> list[PrivateKey]:
    """The keys that open what is sealed for `role`: the one in use, and the one about to be."""
    files = [path_of(role), *([next_path_of(role)] if next_path_of(role).exists() else [])]
    return [key for key in (at(path).opener for path in files) if key is not None]


def at(path: Path) -> Held:
    """The keys in one file."""
    try:
        changed = path.stat().st_mtime_ns
    except OSError as problem:
        raise ImproperlyConfigured(f"there is no signing key at {path}; run `manage.py beckn_keygen`") from problem
    return read(path, changed)


@lru_cache(maxsize=16)
def read(path: Path, changed: int) -> Held:  # noqa: ARG001 - part of the cache's key
    """The file's keys; `changed` (its modification time) makes a rotated key take effect without a restart."""
    try:
        told = json.loads(path.read_text("utf-8"))
        return from_fields(told)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise ImproperlyConfigured(f"the signing key at {path} cannot be read: {problem}") from problem


def from_fields(told: dict[str, Any]) -> Held:
    """The keys in a file's fields. Raises ValueError, KeyError, TypeError or AttributeError for anything else."""
    signer = Signer.of(told["subscriber_id"], told["key_id"], decode(told["seed"]))
    sealed = told.get("encryption_seed")
    return Held(signer, PrivateKey(decode(sealed)) if sealed else None)


def decode(text: str) -> bytes:
    """32 secret bytes from base64; 64 (seed and public key, as some tools write them) give their first 32."""
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error as problem:
        raise ValueError(str(problem)) from problem
    return raw[:32] if len(raw) == 64 else raw


def make(role: str) -> Signer:
    """New keys for `role`, stored before they are returned. Raises FileExistsError: a key is never overwritten."""
    return make_at(path_of(role), role)


def make_at(path: Path, role: str) -> Signer:
    """New keys for `role` in a file that is not there yet."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fields = new_fields(subscriber_id_of(role), f"{role}-{secrets.token_hex(4)}")
    write(path, fields, os.O_EXCL)
    return from_fields(fields).signer


def new_fields(subscriber_id: str, key_id: str) -> dict[str, str]:
    """What a fresh key file holds."""
    seeds = {name: base64.b64encode(secrets.token_bytes(32)).decode() for name in ("seed", "encryption_seed")}
    return {"subscriber_id": subscriber_id, "key_id": key_id, **seeds}


def complete(role: str) -> bool:
    """Add an encryption key to a file from before there were any. Whether that was needed."""
    if held(role).opener is not None:
        return False
    path = path_of(role)
    fields = json.loads(path.read_text("utf-8"))
    fields["encryption_seed"] = base64.b64encode(secrets.token_bytes(32)).decode()
    beside = path.with_suffix(".new")
    write(beside, fields, os.O_TRUNC)
    beside.replace(path)
    return True


def write(path: Path, fields: dict[str, str], how: int) -> None:
    """Write a key file, readable by its owner only, and wait until the disk has it."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as out:
        out.write(json.dumps(fields))
        out.flush()
        os.fsync(out.fileno())


def prepare_next(role: str) -> Held:
    """The keys that will replace those of `role`; made once, so that an interrupted rotation goes on with the same ones."""
    path = next_path_of(role)
    if not path.exists():
        make_at(path, role)
    return at(path)


def promote_next(role: str) -> None:
    """From now on sign with the next key; every process sees the new file at its next signature."""
    next_path_of(role).replace(path_of(role))
