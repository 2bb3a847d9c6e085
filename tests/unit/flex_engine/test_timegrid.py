"""The half-hour grid and settlement days of 46, 48 and 50 periods."""

from __future__ import annotations

import doctest
import json
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flex_engine import timegrid
from flex_engine.timegrid import (
    HALF_HOUR,
    ceil_half_hour,
    day_start,
    floor_half_hour,
    half_hours,
    is_working_day,
    period_start,
    periods_in_day,
    settlement_period,
)
from tests.shared_data import shared

days = st.dates(date(2016, 1, 1), date(2030, 12, 31))
moments = st.datetimes(datetime(2016, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(timegrid).failed == 0


@pytest.mark.parametrize(
    ("day", "count"),
    [(date(2026, 3, 29), 46), (date(2026, 10, 25), 50), (date(2026, 1, 15), 48), (date(2024, 3, 31), 46)],
)
def test_a_day_has_46_48_or_50_periods(day: date, count: int):
    assert periods_in_day(day) == count
    starts = [period_start(day, period) for period in range(1, count + 1)]
    assert all(b - a == HALF_HOUR for a, b in pairwise(starts))
    assert starts[-1] + HALF_HOUR == day_start(day + timedelta(days=1))


def test_the_settlement_days_of_the_reference_list():
    for case in json.loads(shared("fixtures/golden_baseline_and_settlement_periods.json").read_text())[
        "settlement_periods"
    ]:
        day = date.fromisoformat(case["date"])
        assert periods_in_day(day) == case["periods"]
        for period, key in ((1, "sp1_start"), (3, "sp3_start"), (case["periods"], "last_start")):
            assert period_start(day, period) == datetime.fromisoformat(case[key])


@given(moments)
def test_period_and_start_are_inverse(moment: datetime):
    start = floor_half_hour(moment)
    assert period_start(*settlement_period(start)) == start
    assert start <= moment < start + HALF_HOUR
    assert ceil_half_hour(moment) in {start, start + HALF_HOUR}


@given(days)
def test_the_periods_of_a_day_tile_it(day: date):
    starts = half_hours(day_start(day), day_start(day + timedelta(days=1)))
    assert [settlement_period(start) for start in starts] == [(day, n + 1) for n in range(periods_in_day(day))]


def test_a_period_the_day_does_not_have_is_refused():
    with pytest.raises(ValueError, match="2026-03-29 has periods 1 to 46, not 47"):
        period_start(date(2026, 3, 29), 47)


def test_naive_times_and_times_off_the_grid_are_refused():
    with pytest.raises(ValueError, match="has no time zone"):
        floor_half_hour(datetime(2026, 1, 1, 12))  # noqa: DTZ001
    with pytest.raises(ValueError, match="not on the half hour"):
        settlement_period(datetime(2026, 1, 1, 12, 10, tzinfo=UTC))
    with pytest.raises(ValueError, match=r"start 2026-01-01T12:10:00\+00:00 is not on the half hour"):
        half_hours(datetime(2026, 1, 1, 12, 10, tzinfo=UTC), datetime(2026, 1, 1, 13, tzinfo=UTC))


def test_other_zones_are_read_and_utc_comes_back():
    india = timezone(timedelta(hours=5, minutes=30))
    assert floor_half_hour(datetime(2026, 1, 1, 5, 45, tzinfo=india)) == datetime(2026, 1, 1, 0, 0, tzinfo=UTC)
    assert floor_half_hour(datetime(2026, 1, 1, 5, 45, tzinfo=india)).tzinfo is UTC
    assert half_hours(datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)) == []


def test_bank_holidays_and_weekends_do_not_count_as_working_days():
    assert not is_working_day(date(2025, 8, 25)), "the summer bank holiday"
    assert not is_working_day(date(2025, 8, 24)), "a Sunday"
    assert is_working_day(date(2025, 8, 26))
