"""Line breaks are all that reading adds to a body: taking them out again gives back what was signed."""

from __future__ import annotations

import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.queries.raw_json import readable

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=25)


def without_space(text: str) -> str:
    """`text` without the white space outside its strings."""
    return "".join(re.findall(r'"(?:[^"\\]|\\.)*"|[^\s"]+', text))


@given(st.lists(TREES) | st.dictionaries(st.text(), TREES), st.booleans())
def test_every_token_stays_as_it_was(tree: object, ascii_only: bool) -> None:
    raw = json.dumps(tree, separators=(",", ":"), ensure_ascii=ascii_only)
    assert without_space(readable(raw.encode())) == raw


@given(st.binary(max_size=80))
def test_anything_at_all_can_be_shown(raw: bytes) -> None:
    assert without_space(readable(raw)) == without_space(raw.decode("utf-8", "replace"))


def test_what_a_parser_would_lose_is_kept() -> None:
    raw = b'{"value":0.2500,"value":1e2,"text":"a , b","escape":"caf\\u00e9","nested":{"list":[{"a":1},{}],"none":[]}}'
    shown = readable(raw)
    for token in ("0.2500", "1e2", '"a , b"', '"caf\\u00e9"'):
        assert token in shown
    assert shown.splitlines()[1] == '  "value": 0.2500,'
    assert '"none": []' in shown


def test_short_lists_of_values_stay_on_one_line_and_long_ones_do_not() -> None:
    assert readable(b'{"a":[1,2,"x , y"]}').splitlines()[1] == '  "a": [1, 2, "x , y"]'
    assert len(readable(json.dumps({"a": list(range(1000, 1040))}).encode()).splitlines()) == 44


@pytest.mark.parametrize("raw", [b"", b"not json", b'{"open', b"\xff\xfe", b"[1,2"])
def test_what_is_not_json_is_shown_all_the_same(raw: bytes) -> None:
    assert without_space(readable(raw)) == without_space(raw.decode("utf-8", "replace"))


def test_a_body_of_a_megabyte_is_laid_out_at_once() -> None:
    raw = json.dumps([{"start": "2024-01-16T13:00Z", "values": list(range(20))}] * 6000).encode()
    begun = time.thread_time()
    readable(raw)
    assert time.thread_time() - begun < 2
