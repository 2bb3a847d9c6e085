"""The log as static files, by c2sp.org/tlog-tiles: anybody may copy them, and check them with public tools.

Under the folder lie `checkpoint`, tiles of 256 hashes under tile/<level>/, and bundles of 256 leaves under tile/entries/.
A file is written, brought to the disk and read back before the checkpoint that needs it replaces the one before, so that a
crash leaves a whole log: the old one. It knows neither the database nor keys; what an entry means is the leaf's business.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from marketplace.ledger import merkle

WIDTH = 256
HASH = 32


class TilesError(RuntimeError):
    """The published files are not what they must be; the message names the file."""


def tile_path(level: int | str, number: int, width: int = WIDTH) -> str:
    """Where a tile lies, or with level "entries" a bundle; `width` below 256 makes it a partial one.

    >>> tile_path(0, 1234067), tile_path("entries", 7, 3)
    ('tile/0/x001/x234/067', 'tile/entries/007.p/3')
    """
    digits = f"{number:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    spelled = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
    return f"tile/{level}/{spelled}" + ("" if width == WIDTH else f".p/{width}")


class Files:
    """The folder. Every write is durable before it returns."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, path: str) -> bytes:
        """A file's bytes. Raises TilesError when it is not there."""
        try:
            return (self.folder / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise TilesError(f"{self.folder / path} is missing from the published log") from None

    def write(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        """Replace a file atomically, bring it to the disk and read it back. Raises TilesError when it reads otherwise."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        new = place.with_name(f".{place.name}.{os.getpid()}")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(place)
        sync_folders(place.parent, self.folder)
        if self.read(path) != data:
            raise TilesError(f"{place} reads back otherwise than it was written")

    def discard_partials(self, full: str) -> None:
        """Take away the partial forms of a tile that is full now; readers fall back on the full one."""
        folder = self.folder / f"{full}.p"
        for one in folder.glob("*"):
            one.unlink()
        if folder.exists():
            folder.rmdir()


def sync_folders(folder: Path, top: Path) -> None:
    """Bring the entries of a folder to the disk, and of those above it up to `top`: a new one may be new itself."""
    while True:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        if folder == top:
            return
        folder = folder.parent


class Tree:
    """The tree of the first `size` leaves, read through `fetch`: a tile's path gives its bytes, from a disk or a server.

    Proofs are for the whole of it or, with `size`, for a smaller tree that it extends.
    """

    def __init__(self, fetch: Callable[[str], bytes], size: int) -> None:
        self.fetch, self.size = fetch, size
        self.tiles: dict[tuple[int, int], list[bytes]] = {}

    def tile(self, level: int, number: int) -> list[bytes]:
        """The hashes of one tile, partial or full as the size has it. Raises TilesError for one of another length."""
        if (level, number) not in self.tiles:
            width = min(WIDTH, (self.size >> 8 * level) - number * WIDTH)
            path = tile_path(level, number, width)
            data = self.fetch(path)
            if len(data) != width * HASH:
                raise TilesError(f"{path} holds {len(data)} bytes where {width * HASH} are due")
            self.tiles[level, number] = [data[i : i + HASH] for i in range(0, len(data), HASH)]
        return self.tiles[level, number]

    def subtree(self, start: int, end: int) -> bytes:
        """The root over leaves [start, end), where the range is a node of the tree or reaches its right edge."""
        width = end - start
        if width & (width - 1):
            split = start + (1 << width.bit_length() - 1)
            return merkle.node_hash(self.subtree(start, split), self.subtree(split, end))
        height = width.bit_length() - 1
        level = height // 8
        first, count = start >> 8 * level, 1 << height - 8 * level
        hashes = self.tile(level, first // WIDTH)[first % WIDTH :][:count]
        return merkle.root(hashes)

    def root(self, size: int | None = None) -> bytes:
        """The tree head."""
        end = self.of(size)
        return self.subtree(0, end) if end else merkle.EMPTY_ROOT

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """The audit path of leaf `index`, nearest sibling first. Raises IndexError beyond the tree."""
        start, end = 0, self.of(size)
        if not 0 <= index < end:
            raise IndexError(f"leaf {index} is not in a tree of {end}")
        path = list[bytes]()
        while end - start > 1:
            split = start + (1 << (end - start - 1).bit_length() - 1)
            left = index < split
            path.append(self.subtree(split, end) if left else self.subtree(start, split))
            start, end = (start, split) if left else (split, end)
        return path[::-1]

    def consistency_proof(self, old: int, size: int | None = None) -> list[bytes]:
        """That the first `old` leaves are a prefix of this tree. Raises IndexError when there are not that many."""
        start, end = 0, self.of(size)
        if not 0 <= old <= end:
            raise IndexError(f"a tree of {old} is no prefix of a tree of {end}")
        if old in (0, end):
            return []
        proof, whole = list[bytes](), True
        while old != end:
            split = start + (1 << (end - start - 1).bit_length() - 1)
            if old <= split:
                proof.append(self.subtree(split, end))
                end = split
            else:
                proof.append(self.subtree(start, split))
                start, whole = split, False
        return (proof if whole else [*proof, self.subtree(start, end)])[::-1]

    def of(self, size: int | None) -> int:
        """The size meant. Raises IndexError for a larger one than there is."""
        if size is not None and not 0 <= size <= self.size:
            raise IndexError(f"a tree of {self.size} holds none of {size}")
        return self.size if size is None else size


def extend(files: Files, leaves: Sequence[bytes], *, size: int) -> list[str]:
    """Write the files of a log of `size` entries grown by `leaves`; the checkpoint over them is the caller's.

    Answers the paths that are full now: their partial forms may go once that checkpoint stands, and not before. Raises
    TilesError when what was published does not fit, or a leaf is longer than a bundle can hold.
    """
    full = extend_bundles(files, leaves, size)
    hashes, start, level = [merkle.leaf_hash(leaf) for leaf in leaves], size, 0
    while hashes:
        completed = extend_level(files, level, hashes, start)
        first = start // WIDTH
        full += [tile_path(level, first + n) for n in range(len(completed))]
        hashes, start, level = completed, first, level + 1
    return full


def extend_level(files: Files, level: int, hashes: Sequence[bytes], start: int) -> list[bytes]:
    """Put `hashes`, of which the first has index `start`, into the tiles of a level; the roots of tiles filled by that."""
    number, kept = divmod(start, WIDTH)
    data = (files.read(tile_path(level, number, kept)) if kept else b"") + b"".join(hashes)
    if len(data) != (kept + len(hashes)) * HASH:
        raise TilesError(f"{tile_path(level, number, kept)} does not hold {kept} hashes")
    completed = []
    for at in range(0, len(data), WIDTH * HASH):
        tile = data[at : at + WIDTH * HASH]
        files.write(tile_path(level, number + at // (WIDTH * HASH), len(tile) // HASH), tile)
        if len(tile) == WIDTH * HASH:
            completed.append(merkle.root([tile[i : i + HASH] for i in range(0, len(tile), HASH)]))
    return completed


def extend_bundles(files: Files, leaves: Sequence[bytes], size: int) -> list[str]:
    """Put the leaves themselves into bundles; the paths of those that are full now."""
    number, kept = divmod(size, WIDTH)
    waiting = [*(bundled(files.read(tile_path("entries", number, kept))) if kept else ()), *leaves]
    full = []
    for at in range(0, len(waiting), WIDTH):
        part = waiting[at : at + WIDTH]
        path = tile_path("entries", number + at // WIDTH, len(part))
        files.write(path, b"".join(prefixed(leaf) for leaf in part))
        full += [path] if len(part) == WIDTH else []
    return full


def prefixed(leaf: bytes) -> bytes:
    """A leaf as a bundle holds it: its length in two bytes, then itself."""
    if len(leaf) > 0xFFFF:
        raise TilesError(f"a leaf has {len(leaf)} bytes, and a bundle holds leaves of up to 65535")
    return len(leaf).to_bytes(2, "big") + leaf


def bundled(data: bytes) -> list[bytes]:
    """The leaves of a bundle. Raises TilesError when it ends in the middle of one."""
    leaves, at = [], 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        leaf = data[at + 2 : at + 2 + length]
        if len(leaf) != length:
            raise TilesError("a bundle of leaves ends in the middle of one")
        leaves.append(leaf)
        at += 2 + length
    return leaves


def leaf_at(files: Files, index: int, size: int) -> bytes:
    """Leaf `index` of the published log of `size` entries. Raises TilesError."""
    number, place = divmod(index, WIDTH)
    leaves = bundled(files.read(tile_path("entries", number, min(WIDTH, size - number * WIDTH))))
    if place >= len(leaves):
        raise TilesError(f"bundle {number} of the published log lacks entry {index}")
    return leaves[place]
