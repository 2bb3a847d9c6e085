from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ParseError

from marketplace.api.body import read

PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
)
TREES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(TREES)
def test_what_json_writes_is_read_back(tree: Any) -> None:
    assert read(json.dumps(tree).encode()) == tree


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9))
def test_numbers_stay_exact(value: Decimal) -> None:
    found = read(f"{value:f}".encode())
    assert found == value
    assert isinstance(found, Decimal)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_a_refusal_in_words(raw: bytes) -> None:
    refused = ""
    try:
        read(raw)
    except ParseError as refusal:
        refused = str(refusal.detail)
    assert not refused or (refused.startswith("The body ") and refused.endswith("."))


@pytest.mark.parametrize(
    "text", ['{"a": 1, "a": 1}', '[{"b": {"a": 1, "a": 2}}]', "NaN", "1e309", "-1e999", '"\\udc00"', '{"\\udc00": 1}']
)
def test_what_two_readers_could_take_differently_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        read(text.encode())


def test_a_whole_surrogate_pair_is_text() -> None:
    assert read(b'"\\ud83d\\ude00"') == "😀"
