"""The notification file: the same key has the same bytes, and bytes that are not a file of ours are refused in a sentence."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flex_engine.settle.position import FIELDS, Position, PositionFileError, notify_by, read, render
from flex_engine.timegrid import HALF_HOUR

FIVE = datetime(2026, 1, 15, 17, tzinfo=UTC)
YEARS = 20 * 17_520


@settings(max_examples=60, deadline=None)
@given(st.integers(0, YEARS), st.integers(1, 99), st.integers(-(10**11), 10**11))
def test_a_file_says_what_was_meant_and_its_key_is_its_own(slot: int, revision: int, position_wh: int) -> None:
    position = Position("V__CACO001", datetime(2016, 1, 1, tzinfo=UTC) + slot * HALF_HOUR, revision, position_wh)
    raw = render(position)
    assert read(raw) == position
    assert render(read(raw)) == raw
    assert json.loads(raw)["wholesale_activity"] is (position_wh != 0)
    following = Position(position.unit, position.start + HALF_HOUR, revision, position_wh)
    assert following.key != position.key


def test_the_autumn_hour_that_comes_twice_has_two_names() -> None:
    first = Position("V__CACO001", datetime(2026, 10, 25, 0, 0, tzinfo=UTC), 1, 1)
    second = Position("V__CACO001", datetime(2026, 10, 25, 1, 0, tzinfo=UTC), 1, 1)
    assert (first.key[-16:], second.key[-16:]) == ("2026-10-25-03-r1", "2026-10-25-05-r1")


def test_it_is_due_five_minutes_before_the_gate() -> None:
    assert notify_by(FIVE) == FIVE - timedelta(minutes=65)


@pytest.mark.parametrize(
    ("field", "value"),
    [("label", "MEASURED"), ("bm_unit_id", ""), ("revision", 0), ("revision", True), ("position_mwh", "0.2"),
     ("position_mwh", 0.2), ("wholesale_activity", False), ("settlement_date", "15.01.2026"), ("settlement_period", 49),
     ("settlement_period", "35")],
)  # fmt: skip
def test_a_wrong_field_is_named(field: str, value: object) -> None:
    told = json.loads(render(Position("V__CACO001", FIVE, 1, 200_000))) | {field: value}
    with pytest.raises(PositionFileError, match=field):
        read(json.dumps(told).encode())


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000])
def test_what_is_no_file_is_said_to_be_none(raw: bytes) -> None:
    with pytest.raises(PositionFileError, match=r"JSON|fields"):
        read(raw)
    assert len(FIELDS) == 8
