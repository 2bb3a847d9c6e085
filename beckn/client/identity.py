"""Who the standalone buyer is: a key file that it makes once and keeps, with the port at which it listens."""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path

from nacl.public import PrivateKey

from beckn.wire.signing import Signer


class IdentityError(Exception):
    """The key file cannot be used; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Keys to sign and to open challenges with, and the port for callbacks (the registry keeps our address)."""

    signer: Signer
    opener: PrivateKey = field(repr=False)
    port: int

    @property
    def encr_public_key(self) -> str:
        """The encryption key's public half, base64."""
        return base64.b64encode(bytes(self.opener.public_key)).decode()


def load_or_make(path: Path, *, subscriber_id: str, port: int) -> Identity:
    """The identity in `path`; made there, readable by its owner only, when there is none. Zeros and "" mean: as kept, or new."""
    if not path.exists():
        make(path, subscriber_id=subscriber_id or f"buyer-{secrets.token_hex(4)}.local", port=port or free_port())
    try:
        told = json.loads(path.read_text("utf-8"))
        signer = Signer.of(told["subscriber_id"], told["key_id"], base64.b64decode(told["seed"], validate=True))
        opener = PrivateKey(base64.b64decode(told["encryption_seed"], validate=True))
        kept = int(told["port"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise IdentityError(
            f"{path} is not a buyer's key file ({problem}); move it away and a new one is made"
        ) from problem
    if subscriber_id and signer.subscriber_id != subscriber_id:
        raise IdentityError(f"{path} is the key of {signer.subscriber_id}, not of {subscriber_id}")
    return Identity(signer, opener, port or kept)


def make(path: Path, *, subscriber_id: str, port: int) -> None:
    """Write a new key file. Raises IdentityError when that is not possible."""
    seeds = {name: base64.b64encode(secrets.token_bytes(32)).decode() for name in ("seed", "encryption_seed")}
    told = {"subscriber_id": subscriber_id, "key_id": f"bap-{secrets.token_hex(4)}", "port": port, **seeds}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as out:
            out.write(json.dumps(told))
    except OSError as problem:
        raise IdentityError(f"no key can be written to {path}: {problem}") from problem


def free_port() -> int:
    """A TCP port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
