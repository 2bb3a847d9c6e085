"""Baselines from the hour beside the event, against a second way of working them out with fractions."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flex_engine.settle.baseline import BaselineError
from flex_engine.settle.near_event import NearEventParameters, before_after, meter_before
from flex_engine.timegrid import HALF_HOUR

START = datetime(2026, 1, 15, 16, tzinfo=UTC)
wh = st.integers(0, 10**7)


def event(count: int) -> list[datetime]:
    return [START + i * HALF_HOUR for i in range(count)]


def test_the_hour_before_stands_for_the_event():
    readings = {START - 2 * HALF_HOUR: 500_000, START - HALF_HOUR: 520_000}
    made = meter_before(readings=readings, periods=event(3))
    assert list(made.periods.values()) == [510_000] * 3
    assert made.window == (START - 2 * HALF_HOUR, START - HALF_HOUR)


def test_a_line_through_a_site_that_rises_steadily_finds_it_exactly():
    readings = {START + i * HALF_HOUR: 500_000 + 10_000 * i for i in range(-4, 12)}
    periods = event(6)
    hidden = {start: wh for start, wh in readings.items() if start not in periods}
    assert before_after(readings=hidden, periods=periods).periods == {start: readings[start] for start in periods}


@given(st.lists(wh, min_size=1, max_size=4), st.lists(wh, min_size=1, max_size=4), st.integers(1, 6), st.integers(0, 2))
def test_the_line_is_the_one_through_the_middles_of_both_windows(early, late, count, gap):
    periods = event(count)
    readings = {START - (gap + len(early) - i) * HALF_HOUR: value for i, value in enumerate(early)}
    readings |= {START + (count + gap + i) * HALF_HOUR: value for i, value in enumerate(late)}
    made = before_after(readings=readings, periods=periods, parameters=NearEventParameters(len(early), len(late), gap))
    low, high = Fraction(sum(early), len(early)), Fraction(sum(late), len(late))
    left, right = -gap - Fraction(len(early), 2), count + gap + Fraction(len(late), 2)
    for i, start in enumerate(periods):
        exact = low + (high - low) * (i + Fraction(1, 2) - left) / (right - left)
        assert made.periods[start] == round(exact)


def test_missing_readings_are_named():
    with pytest.raises(BaselineError, match="meter-before baseline needs readings for 2026-01-15T15:00Z"):
        meter_before(readings={START - HALF_HOUR: 1}, periods=event(1))
    with pytest.raises(BaselineError, match="needs readings for 2026-01-15T16:30Z, 2026-01-15T17:00Z"):
        before_after(readings={START - HALF_HOUR: 1, START - 2 * HALF_HOUR: 1}, periods=event(1))
