"""Canonical bytes are the same everywhere, and what could be read two ways is refused by name."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.ledger.leaf import Leaf, PayloadError, canonical, commitment, party_commits, payload_commitment, refs

SALT = bytes(range(32))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8)
PLAIN = st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXTS
VALUES = PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(KEYS, PLAIN | st.lists(PLAIN, max_size=3), max_size=3)


class Word(StrEnum):
    MEASURED = "MEASURED"


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_canonical_bytes_are_sorted_compact_json_in_nfc(payload):
    found = canonical(payload)
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert json.loads(found) == json.loads(unicodedata.normalize("NFC", text))
    assert canonical(json.loads(found)) == found


def test_an_enumeration_is_its_value():
    assert canonical({"label": Word.MEASURED}) == b'{"label":"MEASURED"}'


def test_two_spellings_of_one_text_are_one():
    assert canonical({"reason": "cafe\u0301"}) == canonical({"reason": "café"})


@pytest.mark.parametrize(
    ("payload", "member", "problem"),
    [
        ({"a": 0.5}, "a", "is a float"),
        ({"a": {"b": Decimal("1")}}, "a.b", "is a Decimal"),
        ({"a": None}, "a", "is a NoneType"),
        ({"a": [1, datetime(2024, 1, 1, tzinfo=UTC)]}, "a[1]", "is a datetime"),
        ({"a": 2**53}, "a", r"beyond 2\*\*53 - 1"),
        ({"a": [{"n": -(2**53)}]}, "a[0].n", r"beyond 2\*\*53 - 1"),
        ({"é": 1}, "é", "printable ASCII"),
        ({"": 1}, "", "printable ASCII"),
        ({"a": {3: 1}}, "a.3", "printable ASCII"),
        ({"a": "\ud800"}, "a", "half a surrogate pair"),
        ({"a": "x" * 65_536}, "", "65536 is the most"),
        ({"a": b"x"}, "a", "is a bytes"),
        ({"a": {1, 2}}, "a", "is a set"),
    ],
)
def test_what_could_be_read_two_ways_is_refused_by_name(payload, member, problem):
    with pytest.raises(PayloadError, match=problem) as refused:
        canonical(payload)
    assert refused.value.member == member


def test_eight_levels_are_the_most():
    deep = {"n": 1}
    for _ in range(7):
        deep = {"in": deep}
    assert canonical(deep).count(b"{") == 8
    with pytest.raises(PayloadError, match="nested deeper than 8"):
        canonical({"in": deep})


def test_commitments_of_different_meanings_differ():
    made = {
        commitment("ref", salt=SALT, value="7"),
        commitment("party", salt=SALT, value="7"),
        commitment("ref", salt=SALT[::-1], value="7"),
        payload_commitment(type="ref", salt=SALT, payload=b"7"),
        payload_commitment(type="party", salt=SALT, payload=b"7"),
    }
    assert len(made) == 5


def test_the_order_of_the_parties_gives_none_away():
    numbered = [(1, 9), (2, 8), (3, 7)]
    assert party_commits(reversed(numbered), salt=SALT) == party_commits(numbered, salt=SALT)
    nine = party_commits(zip(range(9), range(9), strict=True), salt=SALT)
    assert list(nine) == sorted(nine)
    assert party_commits([(1, 23)], salt=SALT) != party_commits([(12, 3)], salt=SALT)


def test_a_leaf_names_nobody_and_is_canonical():
    leaf = Leaf(
        seq=7,
        type="order.confirmed",
        at=datetime(2024, 1, 16, 14, 10, 0, 123999, tzinfo=timezone(timedelta(hours=1))),
        prev="0" * 64,
        payload_commit="1" * 64,
        party_commits=party_commits([(5, 12)], salt=SALT),
        refs=refs("order:abc", salt=SALT),
    )
    party = hashlib.sha256(b"caco/party-seq/v1\0" + SALT + b"5:12").hexdigest()
    ref = hashlib.sha256(b"caco/ref/v1\0" + SALT + b"order:abc").hexdigest()
    expected = (
        f'{{"at":"2024-01-16T13:10:00.123Z","party_commits":["{party}"],"payload_commit":"{"1" * 64}",'
        f'"prev":"{"0" * 64}","refs":["{ref}"],"seq":7,"type":"order.confirmed","v":2}}'
    )
    assert leaf.bytes() == expected.encode()
    assert refs("", salt=SALT) == ()
