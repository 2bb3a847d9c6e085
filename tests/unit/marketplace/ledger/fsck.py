"""An independent reader of a C2SP log: from a vkey and a function that fetches paths, it derives everything again.

It shares no code with what wrote the log: other Ed25519 (pycryptodome), RFC 6962 by its own recursive definition, and paths
spelled by its own hand.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa


class Unsound(Exception):
    """What is published is not one signed log."""


def signed_head(note: bytes, vkey: str) -> tuple[str, int, bytes]:
    """Origin, size and root of a note that `vkey` signed."""
    name, key_id, key = vkey.split("+", 2)
    raw = base64.b64decode(key)
    body, _, lines = note.decode().partition("\n\n")
    body += "\n"
    for line in lines.splitlines():
        dash, signer, encoded = line.split(" ")
        value = base64.b64decode(encoded)
        if (dash, signer, value[:4].hex()) != ("—", name, key_id):
            continue
        message, signature = body.encode(), value[4:]
        if raw[0] == 4:
            message = b"cosignature/v1\ntime %d\n" % int.from_bytes(signature[:8], "big") + message
            signature = signature[8:]
        public = ECC.import_key(eddsa.import_public_key(raw[1:]).export_key(format="DER"))
        eddsa.new(public, "rfc8032").verify(message, signature)
        origin, size, root = body.splitlines()[:3]
        return origin, int(size), base64.b64decode(root)
    raise Unsound(f"no signature by {name}")


def head_over(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + head_over(leaves[:split]) + head_over(leaves[split:])).digest()


def path_of(number: int) -> str:
    """1234067 is x001/x234/067."""
    spelled = f"{number % 1000:03}"
    while number := number // 1000:
        spelled = f"x{number % 1000:03}/{spelled}"
    return spelled


def check(fetch: Callable[[str], bytes], vkey: str) -> list[bytes]:
    """Every leaf of the log, after its root was derived from the bundles and every tile at every level was compared."""
    _, size, root = signed_head(fetch("checkpoint"), vkey)
    leaves: list[bytes] = []
    for number in range(-(-size // 256)):
        width = min(256, size - number * 256)
        data = fetch(f"tile/entries/{path_of(number)}" + ("" if width == 256 else f".p/{width}"))
        while data:
            length = int.from_bytes(data[:2], "big")
            leaves.append(data[2 : 2 + length])
            data = data[2 + length :]
    hashes = [hashlib.sha256(b"\x00" + leaf).digest() for leaf in leaves]
    if len(leaves) != size or head_over(hashes) != root:
        raise Unsound("the leaves do not give the root")
    level = 0
    while hashes:
        for number in range(-(-len(hashes) // 256)):
            due = hashes[number * 256 : number * 256 + 256]
            held = fetch(f"tile/{level}/{path_of(number)}" + ("" if len(due) == 256 else f".p/{len(due)}"))
            if held != b"".join(due):
                raise Unsound(f"tile {number} of level {level}")
        hashes = [head_over(hashes[at : at + 256]) for at in range(0, len(hashes) - 255, 256)]
        level += 1
    return leaves


def proven(proof: bytes, leaf: bytes, vkey: str) -> int:
    """The index at which a tlog-proof shows `leaf` to stand (RFC 9162, 2.1.3.2). Raises Unsound."""
    told, _, note = proof.decode().partition("\n\n")
    format_line, index_line, *hashes = told.splitlines()
    if format_line != "c2sp.org/tlog-proof@v1" or not index_line.startswith("index "):
        raise Unsound("not a tlog-proof")
    _, size, root = signed_head(note.encode(), vkey)
    index = int(index_line.split()[1])
    found, left, last = hashlib.sha256(b"\x00" + leaf).digest(), index, size - 1
    for sibling in map(base64.b64decode, hashes):
        if left % 2 or left == last:
            found = hashlib.sha256(b"\x01" + sibling + found).digest()
            while left and left % 2 == 0:
                left, last = left // 2, last // 2
        else:
            found = hashlib.sha256(b"\x01" + found + sibling).digest()
        left, last = left // 2, last // 2
    if last or found != root:
        raise Unsound("the path does not lead to the root")
    return index
