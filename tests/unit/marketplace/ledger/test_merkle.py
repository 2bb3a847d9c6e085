"""The tree against the published Certificate Transparency vectors, against the RFC's own recursion, and against forgers."""

from __future__ import annotations

import hashlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.ledger import merkle

# The eight leaves and roots of the reference implementation's tests (google/certificate-transparency, merkletree tests).
LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
HASHES = [merkle.leaf_hash(leaf) for leaf in LEAVES]


def mth(leaves: list[bytes]) -> bytes:
    """RFC 6962 2.1 as it stands on paper, from leaf data."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = largest_below(len(leaves))
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH(m, D[n]) of RFC 6962 2.1.1."""
    if len(leaves) == 1:
        return []
    k = largest_below(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], b: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b) of RFC 6962 2.1.2."""
    if m == len(leaves):
        return [] if b else [mth(leaves)]
    k = largest_below(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], b), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def largest_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def some_leaves(n: int) -> list[bytes]:
    return [f"leaf {i}".encode() for i in range(n)]


def hashed(leaves: list[bytes]) -> list[bytes]:
    return [merkle.leaf_hash(leaf) for leaf in leaves]


def flipped(value: bytes, bit: int) -> bytes:
    changed = bytearray(value)
    changed[bit // 8 % len(value)] ^= 1 << bit % 8
    return bytes(changed)


def test_the_empty_tree_has_the_hash_of_nothing():
    assert merkle.root([]) == merkle.EMPTY_ROOT
    assert merkle.EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("size", range(1, 9))
def test_published_roots(size):
    assert merkle.root(HASHES[:size]).hex() == ROOTS[size - 1]


def test_published_paths():
    # The reference implementation's audit paths for leaf 0 of 8 and leaf 2 of 3, and consistency from 6 to 8.
    assert [one.hex() for one in merkle.inclusion_proof(HASHES, 0)] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    assert [one.hex() for one in merkle.inclusion_proof(HASHES[:3], 2)] == [ROOTS[1]]
    assert [one.hex() for one in merkle.consistency_proof(HASHES, 6)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


@given(st.lists(st.binary(max_size=80), max_size=70))
def test_the_root_is_the_recursion_of_the_rfc(leaves):
    assert merkle.root(hashed(leaves)) == mth(leaves)


def test_a_growing_tree_has_the_root_of_each_size_it_passes():
    growing = merkle.GrowingTree()
    leaves = some_leaves(130)
    for size, leaf in enumerate(hashed(leaves)):
        assert growing.root() == mth(leaves[:size])
        growing.append(leaf)
    assert (growing.size, growing.root()) == (130, mth(leaves))


def test_every_path_up_to_40_leaves_is_the_rfcs_and_verifies():
    for size in range(1, 41):
        leaves = some_leaves(size)
        found = hashed(leaves)
        for index in range(size):
            proof = merkle.inclusion_proof(found, index)
            assert proof == path(index, leaves)
            assert merkle.verify_inclusion(
                leaf=found[index], index=index, size=size, proof=proof, root=merkle.root(found)
            )


def test_every_consistency_proof_up_to_40_leaves_is_the_rfcs_and_verifies():
    for size in range(1, 41):
        leaves = some_leaves(size)
        found = hashed(leaves)
        for old in range(1, size + 1):
            proof = merkle.consistency_proof(found, old)
            assert proof == subproof(old, leaves, True)
            assert merkle.verify_consistency(
                old_size=old, new_size=size, old_root=mth(leaves[:old]), new_root=mth(leaves), proof=proof
            )


@given(st.integers(1, 300), st.data())
def test_a_changed_inclusion_proof_is_refused(size, data):
    found = hashed(some_leaves(size))
    index = data.draw(st.integers(0, size - 1))
    proof, root = merkle.inclusion_proof(found, index), merkle.root(found)
    bit = data.draw(st.integers(0, 255))
    forgeries = [
        {"leaf": flipped(found[index], bit)},
        {"root": flipped(root, bit)},
        {"proof": [*proof, root]},
        {"proof": [root, *proof]},
        {"index": size},
        {"index": -1},
    ]
    forgeries += [{"index": other} for other in {index ^ 1, (index + 1) % size, 0} - {index}]
    for at in range(len(proof)):
        forgeries.append({"proof": proof[:at] + proof[at + 1 :]})
        forgeries.append({"proof": [*proof[:at], flipped(proof[at], bit), *proof[at + 1 :]]})
        forgeries.append({"proof": [*proof[:at], proof[at][:-1], *proof[at + 1 :]]})
    for forged in forgeries:
        honest = {"leaf": found[index], "index": index, "size": size, "proof": proof, "root": root}
        assert not merkle.verify_inclusion(**(honest | forged)), forged


@given(st.integers(1, 300), st.data())
def test_a_changed_consistency_proof_is_refused(size, data):
    found = hashed(some_leaves(size))
    old = data.draw(st.integers(1, size))
    proof = merkle.consistency_proof(found, old)
    honest = {
        "old_size": old,
        "new_size": size,
        "old_root": merkle.root(found[:old]),
        "new_root": merkle.root(found),
        "proof": proof,
    }
    assert merkle.verify_consistency(**honest)
    bit = data.draw(st.integers(0, 255))
    forgeries = [
        {"old_root": flipped(honest["old_root"], bit)},
        {"new_root": flipped(honest["new_root"], bit)},
        {"proof": [*proof, honest["new_root"]]},
        {"old_size": size + 1},
        {"old_size": 0},
    ]
    for at in range(len(proof)):
        forgeries.append({"proof": proof[:at] + proof[at + 1 :]})
        forgeries.append({"proof": [*proof[:at], flipped(proof[at], bit), *proof[at + 1 :]]})
        forgeries.append({"proof": [*proof[:at], proof[at] + b"\0", *proof[at + 1 :]]})
    for forged in forgeries:
        assert not merkle.verify_consistency(**(honest | forged)), forged


@given(st.integers(2, 200), st.data())
def test_a_rewritten_history_has_no_consistency_proof(size, data):
    old = data.draw(st.integers(1, size - 1))
    changed = data.draw(st.integers(0, old - 1))
    before = hashed(some_leaves(size))
    after = [*before[:changed], merkle.leaf_hash(b"another"), *before[changed + 1 :]]
    assert not merkle.verify_consistency(
        old_size=old,
        new_size=size,
        old_root=merkle.root(before[:old]),
        new_root=merkle.root(after),
        proof=merkle.consistency_proof(after, old),
    )


def test_a_node_is_no_leaf():
    left, right = HASHES[:2]
    assert merkle.leaf_hash(left + right) != merkle.node_hash(left, right)


def test_from_the_empty_tree_everything_is_consistent_and_needs_no_proof():
    assert merkle.consistency_proof(HASHES, 0) == []
    assert merkle.verify_consistency(
        old_size=0, new_size=8, old_root=merkle.EMPTY_ROOT, new_root=merkle.root(HASHES), proof=[]
    )
    assert not merkle.verify_consistency(
        old_size=0, new_size=8, old_root=HASHES[0], new_root=merkle.root(HASHES), proof=[]
    )


def test_questions_beyond_the_tree_are_refused():
    with pytest.raises(IndexError, match="leaf 8 is not in a tree of 8"):
        merkle.inclusion_proof(HASHES, 8)
    with pytest.raises(IndexError, match="leaf 0 is not in a tree of 0"):
        merkle.inclusion_proof([], 0)
    with pytest.raises(IndexError, match="a tree of 9 is no prefix of a tree of 8"):
        merkle.consistency_proof(HASHES, 9)


def test_a_hundred_thousand_leaves_are_quick():
    found = [hashlib.sha256(i.to_bytes(4, "big")).digest() for i in range(100_000)]
    begun = time.process_time()
    proof = merkle.consistency_proof(found, 77_777)
    root = merkle.root(found)
    assert time.process_time() - begun < 3  # measured 0.2 s; the bound only catches another order of growth
    assert merkle.verify_consistency(
        old_size=77_777, new_size=100_000, old_root=merkle.root(found[:77_777]), new_root=root, proof=proof
    )
