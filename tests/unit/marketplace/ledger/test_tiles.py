"""The tiles give every root and every proof that the whole list of leaves gives, as they grow in any steps."""

from __future__ import annotations

import os
import random

import pytest

from marketplace.ledger import merkle, tiles
from marketplace.ledger.tiles import Files, TilesError, Tree, bundled, extend, leaf_at, tile_path


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setattr(
        os, "fsync", lambda handle: None
    )  # a hundred small files: their durability is not looked at here
    return Files(tmp_path)


def test_paths_are_spelled_as_the_standard_has_them():
    assert tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert tile_path(1, 0, 1) == "tile/1/000.p/1"
    assert tile_path("entries", 999) == "tile/entries/999"
    assert tile_path("entries", 1000) == "tile/entries/x001/000"


def test_a_log_grown_in_any_steps_gives_every_proof(files):
    """Over several levels: past 256 leaves, and past 256 tiles of them."""
    rng, leaves = random.Random(7), []
    for step in (1, 3, 251, 1, 300, 256, 700, 64_300):
        grown = [b"%d" % n for n in range(len(leaves), len(leaves) + step)]
        extend(files, grown, size=len(leaves))
        leaves += grown
        hashes, tree, size = [merkle.leaf_hash(leaf) for leaf in leaves], Tree(files.read, len(leaves)), len(leaves)
        assert tree.root() == merkle.root(hashes)
        for n in {0, size - 1, rng.randrange(size)}:
            assert tree.inclusion_proof(n) == merkle.inclusion_proof(hashes, n)
            assert leaf_at(files, n, size) == leaves[n]
        for old in {0, size, size - 1, rng.randrange(size)}:
            assert tree.consistency_proof(old) == merkle.consistency_proof(hashes, old)
    for size in (1, 255, 256, 257, 1500):  # of an older tree, from the newer one's tiles
        past = hashes[:size]
        assert tree.root(size) == merkle.root(past)
        assert tree.inclusion_proof(size - 1, size) == merkle.inclusion_proof(past, size - 1)
        assert tree.consistency_proof(size // 2, size) == merkle.consistency_proof(past, size // 2)
    for call in (
        lambda: tree.inclusion_proof(size, size),
        lambda: tree.consistency_proof(9, 8),
        lambda: tree.root(10**9),
    ):
        with pytest.raises(IndexError):
            call()


def test_what_does_not_fit_is_named_and_not_built_upon(files):
    extend(files, [b"a", b"b"], size=0)
    with pytest.raises(TilesError, match=r"tile/entries/000\.p/3 is missing from the published log"):
        extend(files, [b"c"], size=3)
    with pytest.raises(TilesError, match="65536 bytes, and a bundle holds leaves of up to 65535"):
        extend(files, [b"x" * 65536], size=0)
    files.write(tile_path(0, 0, 2), b"short")
    with pytest.raises(TilesError, match=r"holds 5 bytes where 64 are due"):
        Tree(files.read, 2).root()
    with pytest.raises(TilesError, match="does not hold 2 hashes"):
        extend(files, [b"c"], size=2)
    with pytest.raises(TilesError, match="in the middle of one"):
        bundled(b"\x00\x05abc")


def test_a_file_that_reads_back_otherwise_is_no_file(files, monkeypatch):
    monkeypatch.setattr(tiles.Files, "read", lambda self, path: b"rotten")
    with pytest.raises(TilesError, match="reads back otherwise than it was written"):
        files.write("checkpoint", b"sound")
