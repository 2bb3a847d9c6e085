"""Our own signing keys: one file per role under settings.BECKN_KEY_DIR, readable by its owner only.

A file holds {subscriber_id, key_id, seed}; the seed is the base64 of the 32 secret bytes. Other participants' keys are the
registry's affair. Secrets never go into the database, a log or a message.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from beckn.wire.signing import Signer


def path_of(role: str) -> Path:
    """Where the key of `role` lies."""
    return Path(settings.BECKN_KEY_DIR) / f"{role}.json"


def own(role: str) -> Signer:
    """Our signer as `role`. Raises ImproperlyConfigured saying which command to run when there is no usable file."""
    path = path_of(role)
    try:
        changed = path.stat().st_mtime_ns
    except OSError as problem:
        raise ImproperlyConfigured(f"there is no signing key at {path}; run `manage.py beckn_keygen`") from problem
    signer = read(path, changed)
    ours = settings.BECKN_PARTICIPANTS[role]["subscriber_id"]
    if signer.subscriber_id != ours:
        raise ImproperlyConfigured(
            f"{path} is the key of {signer.subscriber_id}, but settings say that {role} is {ours}; "
            "move the file away and run `manage.py beckn_keygen`"
        )
    return signer


@lru_cache(maxsize=8)
def read(path: Path, changed: int) -> Signer:  # noqa: ARG001 - part of the cache's key
    """The file's signer; `changed` (its modification time) makes a rotated key take effect without a restart."""
    try:
        held = json.loads(path.read_text("utf-8"))
        return Signer.of(held["subscriber_id"], held["key_id"], base64.b64decode(held["seed"], validate=True))
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise ImproperlyConfigured(f"the signing key at {path} cannot be read: {problem}") from problem


def make(role: str) -> Signer:
    """A new key for `role`, stored before it is returned. Raises FileExistsError: a key is never overwritten."""
    path = path_of(role)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    subscriber_id = settings.BECKN_PARTICIPANTS[role]["subscriber_id"]
    seed = secrets.token_bytes(32)
    key_id = f"{role}-{secrets.token_hex(4)}"
    held = {"subscriber_id": subscriber_id, "key_id": key_id, "seed": base64.b64encode(seed).decode()}
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as out:
        out.write(json.dumps(held))
        out.flush()
        os.fsync(out.fileno())
    return Signer.of(subscriber_id, key_id, seed)
