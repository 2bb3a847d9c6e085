"""The Merkle tree of the log: RFC 6962 section 2.1 and RFC 9162 section 2.1 over SHA-256.

Pure arithmetic on bytes: a leaf hash is 32 bytes, a proof is a list of them, leaf 0 is the oldest. It knows neither
entries nor chains. The same proofs are checked by the contract, so the two are tested against each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()
LEAF, NODE = b"\x00", b"\x01"  # kept apart, so that no node can pass for a leaf (second preimages)


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 || data).

    >>> leaf_hash(b"").hex()[:16]
    '6e340b9cffb37a98'
    """
    return hashlib.sha256(LEAF + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return hashlib.sha256(NODE + left + right).digest()


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """The tree head over these leaf hashes; EMPTY_ROOT over none."""
    return levels(leaf_hashes)[-1][0] if leaf_hashes else EMPTY_ROOT


def levels(leaf_hashes: Sequence[bytes]) -> list[list[bytes]]:
    """The whole tree, leaves first. Node i of level k covers leaves i * 2**k up to (i + 1) * 2**k, or to the end.

    An odd last node rises unhashed, which gives exactly the tree that splits at the largest power of two below its size.
    """
    sha256, tree = hashlib.sha256, [list(leaf_hashes)]
    while len(tree[-1]) > 1:
        below = tree[-1]
        above = [sha256(NODE + a + b).digest() for a, b in zip(below[0::2], below[1::2], strict=False)]
        tree.append(above + below[-1:] if len(below) % 2 else above)
    return tree


class GrowingTree:
    """A tree that is only ever appended to: its root at any moment, from one hash per bit of its size."""

    def __init__(self) -> None:
        self.size, self.peaks = 0, list[bytes]()

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash at the end: whole subtrees of one size join."""
        size, self.size = self.size, self.size + 1
        while size & 1:
            leaf, size = node_hash(self.peaks.pop(), leaf), size >> 1
        self.peaks.append(leaf)

    def root(self) -> bytes:
        """The tree head now."""
        if not self.peaks:
            return EMPTY_ROOT
        found = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            found = node_hash(peak, found)
        return found


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of leaf `index`, nearest sibling first (RFC 9162 2.1.3.1). Raises IndexError beyond the tree."""
    if not 0 <= index < len(leaf_hashes):
        raise IndexError(f"leaf {index} is not in a tree of {len(leaf_hashes)}")
    return path_in(levels(leaf_hashes), index)


def path_in(tree: list[list[bytes]], index: int) -> list[bytes]:
    """The audit path of leaf `index` in a whole tree, for whoever needs many of one tree."""
    path = []
    for level in tree[:-1]:
        if index ^ 1 < len(level):
            path.append(level[index ^ 1])
        index >>= 1
    return path


def consistency_proof(leaf_hashes: Sequence[bytes], old_size: int) -> list[bytes]:
    """That the first `old_size` leaves are a prefix of this tree (RFC 9162 2.1.4.1).

    Nothing is to be shown when the old tree is empty or the same: the proof is then empty. Raises IndexError when the
    old tree is the larger one.
    """
    size = len(leaf_hashes)
    if not 0 <= old_size <= size:
        raise IndexError(f"a tree of {old_size} is no prefix of a tree of {size}")
    if old_size in (0, size):
        return []
    return subproof(levels(leaf_hashes), old_size, 0, size, whole=True)


def subproof(tree: list[list[bytes]], old: int, start: int, end: int, *, whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 9162 over leaves [start, end): `old` of them are old, `whole` while the old root is among them."""
    if old == end - start:
        return [] if whole else [subtree(tree, start, end)]
    split = 1 << (end - start - 1).bit_length() - 1  # the largest power of two below the width
    if old <= split:
        return [*subproof(tree, old, start, start + split, whole=whole), subtree(tree, start + split, end)]
    right = subproof(tree, old - split, start + split, end, whole=False)
    return [*right, subtree(tree, start, start + split)]


def subtree(tree: list[list[bytes]], start: int, end: int) -> bytes:
    """The root over leaves [start, end), where the range is a node of the tree."""
    level = (end - start - 1).bit_length()
    return tree[level][start >> level]


def verify_inclusion(*, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether leaf hash `leaf` stands at `index` in the tree of `size` leaves with head `root` (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size or not hashes(leaf, root, *proof):
        return False
    position, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            found = node_hash(sibling, found)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(
    *, old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the tree with head `old_root` is a prefix of the tree with head `new_root` (RFC 9162 2.1.4.2)."""
    if not 0 <= old_size <= new_size or not hashes(old_root, new_root, *proof):
        return False
    if old_size == 0:
        return not proof and old_root == EMPTY_ROOT
    if old_size == new_size:
        return not proof and old_root == new_root
    # A whole left subtree is its own first hash, which the proof then leaves out.
    path = list(proof) if old_size & (old_size - 1) else [old_root, *proof]
    return bool(path) and (old_root, new_root) == fold(path, old_size - 1, new_size - 1)


def fold(path: Sequence[bytes], position: int, last: int) -> tuple[bytes, bytes] | None:
    """The old and the new root that a consistency path amounts to; None when its length does not fit the sizes."""
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if position & 1 or position == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        position, last = position >> 1, last >> 1
    return (old, new) if last == 0 else None


def hashes(*values: bytes) -> bool:
    """Whether each value has the length of a SHA-256 hash."""
    return all(len(value) == 32 for value in values)
