"""A key of 32 bytes in a file that only its owner may read: 64 hexadecimal characters, made on first use.

It knows neither what the key signs nor with what: the chain's key and the checkpoint's are two files and two owners.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path


class KeyFileError(ValueError):
    """The key file holds no usable key; the message says what to put there."""


def load(path: Path, *, kind: str, absent: str) -> bytes:
    """The 32 key bytes. Raises KeyFileError in words, never showing what the file holds; `absent` is said of no file."""
    try:
        key = bytes.fromhex(path.read_text().strip().removeprefix("0x"))
    except FileNotFoundError:
        raise KeyFileError(absent) from None
    except ValueError:
        key = b""
    if len(key) != 32:
        raise KeyFileError(f"{path} must hold one {kind} key as 64 hexadecimal characters")
    return key


def create(path: Path, *, mode: int) -> None:
    """Make the file with a random key, unless it is there. Two processes that start together keep one and the same."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(f"0x{secrets.token_bytes(32).hex()}\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(new, path)
    except FileExistsError:
        pass
    finally:
        new.unlink()
