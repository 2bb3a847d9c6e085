"""Nominated and zero baselines: in time, complete, and not negative."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from flex_engine.settle.baseline import BaselineError
from flex_engine.settle.declared import Nomination, nominated, zero

START = datetime(2026, 7, 15, 16, tzinfo=UTC)
NOON = datetime(2026, 7, 14, 11, 0, tzinfo=UTC)  # 12:00 in London, in summer


def test_a_nomination_in_time_is_the_baseline():
    made = nominated(nomination=Nomination({START: 500_000}, NOON), periods=[START])
    assert made.periods == {START: 500_000}
    assert made.method == "nominated-v1"


def test_the_deadline_is_by_the_london_clock():
    with pytest.raises(BaselineError, match="arrived at 2026-07-14T11:00:01Z, after its deadline 2026-07-14T11:00Z"):
        nominated(nomination=Nomination({START: 1}, NOON + timedelta(seconds=1)), periods=[START])


@pytest.mark.parametrize(
    ("nomination", "words"),
    [
        (None, "none was given"),
        (Nomination({}, NOON), "names no energy for 2026-07-15T16:00Z"),
        (Nomination({START: -1}, NOON), "negative at 2026-07-15T16:00Z"),
    ],
)
def test_a_nomination_that_cannot_be_used_says_why(nomination: Nomination | None, words: str):
    with pytest.raises(BaselineError, match=words):
        nominated(nomination=nomination, periods=[START])


def test_zero_is_nothing_in_every_period():
    assert zero(periods=[START]).periods == {START: 0}
    with pytest.raises(BaselineError, match="no settlement period"):
        zero(periods=[])
