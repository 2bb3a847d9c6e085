"""A series knows where it ends, and a missing half hour is an error, never a number."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from flex_engine.quantities import Label
from flex_engine.series import HalfHourly, MissingDataError

START = datetime(2026, 1, 5, tzinfo=UTC)


def series(*values: float, start: datetime = START) -> HalfHourly:
    return HalfHourly("price", start, values, "GBP/MWh", "made up", Label.SIMULATED, start)


def test_a_value_is_that_of_the_half_hour_that_holds_the_time():
    made = series(1.0, 2.0, 3.0)
    assert made.end == START + timedelta(minutes=90)
    assert [made.at(START + timedelta(minutes=m)) for m in (0, 29, 30, 89)] == [1.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize("minutes", [-1, 90])
def test_outside_the_series_is_an_error_that_says_what_it_covers(minutes: int):
    with pytest.raises(MissingDataError, match=r"price has no value for .*; it covers 2026-01-05T00:00:00\+00:00 to"):
        series(1.0, 2.0, 3.0).at(START + timedelta(minutes=minutes))


def test_a_slice_keeps_its_facts():
    part = series(1.0, 2.0, 3.0).slice(START + timedelta(minutes=30), START + timedelta(minutes=90))
    assert (part.start, part.values, part.source, part.label) == (
        START + timedelta(minutes=30), (2.0, 3.0), "made up", Label.SIMULATED,
    )  # fmt: skip
    with pytest.raises(MissingDataError, match="not 2026-01-05T00:30:00"):
        series(1.0, 2.0).slice(START + timedelta(minutes=30), START + timedelta(minutes=90))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_is_refused_with_its_time(bad: float):
    with pytest.raises(ValueError, match=r"at 2026-01-05T00:30:00\+00:00; every half hour needs a finite number"):
        series(1.0, bad)


def test_a_start_off_the_grid_is_refused():
    with pytest.raises(ValueError, match="not on the half hour"):
        series(1.0, start=START + timedelta(minutes=5))
