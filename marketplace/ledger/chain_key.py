"""The installation's chain key: one secp256k1 key in a file only its owner may read.

It names the file's kind and derives the address. Signing belongs to `chain`.
"""

from __future__ import annotations

from pathlib import Path

from marketplace.ledger import key_file
from marketplace.ledger.key_file import KeyFileError

__all__ = ["KeyFileError", "address", "load", "load_or_create"]


def load(path: Path) -> bytes:
    """The 32 key bytes. Raises KeyFileError in words, never showing what the file holds."""
    absent = f"there is no chain key at {path}; start the development chain or put a key there"
    return key_file.load(path, kind="secp256k1", absent=absent)


def load_or_create(path: Path) -> bytes:
    """The key, made on first use. Two processes that start together end up with the same one."""
    key_file.create(path, mode=0o600)
    return load(path)


def address(key: bytes) -> str:
    """The key's address with its checksum. Raises KeyFileError for bytes that are no key."""
    from eth_keys import keys
    from eth_keys.exceptions import ValidationError

    try:
        return str(keys.PrivateKey(key).public_key.to_checksum_address())
    except ValidationError as problem:
        raise KeyFileError("the chain key is no secp256k1 key") from problem
