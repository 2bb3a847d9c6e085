"""The evidence pack's container: one zip file of JSON lines with the verifiers inside, the same bytes for the same contents.

What each file says is told in docs/reference/evidence-pack.md. This room writes and knows no rows: whoever calls hands over
plain values, one line at a time, so that a pack of any size takes little memory.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings

from marketplace.ledger import merkle
from marketplace.ledger.tiles import WIDTH as TILE
from marketplace.ledger.tiles import tile_path

FORMAT = "caco-pack/1"
THE_EPOCH_OF_ZIP = (1980, 1, 1, 0, 0, 0)  # no clock: the same contents are the same bytes
FILE_MODE = 0o100644 << 16
VERIFIERS = {
    "verify_pack.mjs": Path(settings.BASE_DIR) / "static" / "js" / "verify_pack.mjs",
    "verify_pack.py": Path(settings.BASE_DIR) / "verifiers" / "verify_pack.py",
}
README = """\
This is an evidence pack of a CACO settlement log. It is verified without any server:

    python3 verify_pack.py THIS_FILE.zip        (Python 3.11 or newer, nothing to install)
    node verify_pack.mjs THIS_FILE.zip          (Node 20.12 or newer, nothing to install; written independently)

Take verify_pack.py from a source you trust rather than from this pack, and give it what you know from elsewhere: the log's
key (--log-key), the contract (--contract, --chain-id, --anchor-key), a chain of your choice (--rpc). Exit code 0: everything
that is in the pack holds. 10 to 21: the first check that does not, named in words. "not in pack" is never "holds".
"""
Contents = bytes | Mapping[str, Any] | Iterable[Mapping[str, Any]]


def write_pack(out: BinaryIO, *, about: Mapping[str, Any], files: Mapping[str, Contents]) -> None:
    """Write a pack to `out`: `about` becomes pack.json, each file is bytes, one JSON value, or an iterable of JSON lines.

    Files are written in the order of their names, pack.json first; the names a reader may count on stand in its `sections`.
    """
    told = {"format": FORMAT, **about, "sections": sorted(files)}
    beside = {name: path.read_bytes() for name, path in VERIFIERS.items()} | {"README.txt": README.encode()}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as pack:
        add(pack, "pack.json", told)
        for name, contents in sorted({**beside, **files}.items()):
            add(pack, name, contents)


def add(pack: zipfile.ZipFile, name: str, contents: Contents) -> None:
    """One file of the pack."""
    info = zipfile.ZipInfo(name, THE_EPOCH_OF_ZIP)
    info.compress_type, info.external_attr, info.create_system = zipfile.ZIP_DEFLATED, FILE_MODE, 3
    if isinstance(contents, bytes):
        pack.writestr(info, contents)
    elif isinstance(contents, Mapping):
        pack.writestr(info, line(contents))
    else:
        with pack.open(info, "w", force_zip64=True) as file:
            for value in contents:
                file.write(line(value))


def line(value: Mapping[str, Any]) -> bytes:
    """A value as one line, spelt one way."""
    return (
        json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode() + b"\n"
    )


def sha256_of(path: Path) -> str:
    """The digest of a finished pack."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tiles(leaf_hashes: list[bytes]) -> dict[str, bytes]:
    """The tree's tiles by their C2SP names (tlog-tiles): 256 hashes each, the last of a level a partial one.

    >>> sorted(tiles([bytes(32)] * 257))
    ['tile/0/000', 'tile/0/001.p/1', 'tile/1/000.p/1']
    """
    found: dict[str, bytes] = {}
    level, hashes = 0, leaf_hashes
    while hashes:
        for first in range(0, len(hashes), TILE):
            part = hashes[first : first + TILE]
            found[tile_path(level, first // TILE, len(part))] = b"".join(part)
        whole = len(hashes) // TILE * TILE
        hashes = [merkle.root(hashes[first : first + TILE]) for first in range(0, whole, TILE)]
        level += 1
    return found
