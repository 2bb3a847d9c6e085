"""The installation's chain key: one secp256k1 key in a file only its owner may read.

It makes and reads the file and derives the address. Signing belongs to `chain`.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path


class KeyFileError(ValueError):
    """The key file holds no usable key; the message says what to put there."""


def load(path: Path) -> bytes:
    """The 32 key bytes. Raises KeyFileError in words, never showing what the file holds."""
    try:
        key = bytes.fromhex(path.read_text().strip().removeprefix("0x"))
    except FileNotFoundError:
        raise KeyFileError(f"there is no chain key at {path}; start the development chain or put a key there") from None
    except ValueError:
        key = b""
    if len(key) != 32:
        raise KeyFileError(f"{path} must hold one secp256k1 key as 64 hexadecimal characters")
    return key


def load_or_create(path: Path) -> bytes:
    """The key, made on first use. Two processes that start together end up with the same one."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"0x{secrets.token_bytes(32).hex()}\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(new, path)
        except FileExistsError:
            pass
        finally:
            new.unlink()
    return load(path)


def address(key: bytes) -> str:
    """The key's address with its checksum. Raises KeyFileError for bytes that are no key."""
    from eth_keys import keys
    from eth_keys.exceptions import ValidationError

    try:
        return str(keys.PrivateKey(key).public_key.to_checksum_address())
    except ValidationError as problem:
        raise KeyFileError("the chain key is no secp256k1 key") from problem
