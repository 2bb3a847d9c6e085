"""The half-hour grid and settlement days of 46, 48 and 50 periods."""

from __future__ import annotations

import doctest
import hashlib
import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flex_engine import timegrid
from flex_engine.timegrid import (
    HALF_HOUR,
    LONDON,
    bank_holidays,
    ceil_half_hour,
    day_start,
    efa_block,
    floor_half_hour,
    half_hours,
    is_working_day,
    period_start,
    periods_in_day,
    settlement_period,
    working_day_after,
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


def test_every_half_hour_of_2016_to_2030_is_one_settlement_period_and_back():
    """263,000 half hours; the expected numbers are counted, not worked out: a new London date starts again at 1."""
    counted, number, expected_day = Counter(), 0, None
    for start in half_hours(day_start(date(2016, 1, 1)), day_start(date(2031, 1, 1))):
        day = start.astimezone(LONDON).date()
        number = 1 if day != expected_day else number + 1
        expected_day = day
        assert settlement_period(start) == (day, number)
        assert period_start(day, number) == start
        counted[day] = number
    assert Counter(counted.values()) == {48: 15 * 365 + 4 - 30, 46: 15, 50: 15}


@given(moments)
def test_efa_blocks_are_four_hours_by_the_clock_and_six_make_a_day(moment: datetime):
    start = floor_half_hour(moment)
    day, block = efa_block(start)
    opens = datetime(day.year, day.month, day.day, tzinfo=LONDON) - timedelta(hours=1)
    local = start.astimezone(LONDON)
    clock = (local.replace(tzinfo=None) - opens.replace(tzinfo=None)) // timedelta(hours=4)
    assert block == clock + 1
    assert 1 <= block <= 6


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 3), (date(2026, 10, 25), 5), (date(2026, 1, 15), 4)])
def test_the_first_block_of_a_clock_change_is_an_hour_short_or_long(day: date, hours: int):
    around = half_hours(day_start(day) - timedelta(hours=1), day_start(day + timedelta(days=1)))
    blocks = Counter(efa_block(start)[1] for start in around if efa_block(start)[0] == day)
    assert blocks == {1: 2 * hours, 2: 8, 3: 8, 4: 8, 5: 8, 6: 8}


def test_scotland_keeps_other_bank_holidays_than_england_and_wales():
    england, scotland = bank_holidays(2026), bank_holidays(2026, "SCOTLAND")
    assert scotland - england >= {date(2026, 1, 2), date(2026, 6, 15), date(2026, 8, 3), date(2026, 11, 30)}
    assert england - scotland >= {date(2026, 4, 6), date(2026, 8, 31)}
    assert is_working_day(date(2026, 1, 2))
    assert not is_working_day(date(2026, 1, 2), "SCOTLAND")


@pytest.mark.parametrize(
    "day", ["2020-05-08", "2022-06-02", "2022-06-03", "2022-09-19", "2023-05-08", "2022-12-27", "2021-12-28"]
)
def test_proclaimed_and_substitute_days_are_known(day: str):
    assert not is_working_day(date.fromisoformat(day))
    assert is_working_day(date(2020, 5, 4)), "moved to the 8th that year"


def test_the_bank_holidays_that_old_baselines_stand_on_do_not_move_with_an_update():
    """Weekdays of 2016 to 2026 as they were kept. Later years may be proclaimed anew; then this test is not touched."""
    for nation, count, digest in (("ENGLAND_AND_WALES", 91, "1a0ea32a575ec2b0"), ("SCOTLAND", 103, "43cf2afe4312872d")):
        days = sorted(
            day.isoformat() for year in range(2016, 2027) for day in bank_holidays(year, nation) if day.weekday() < 5
        )
        assert (len(days), hashlib.sha256(" ".join(days).encode()).hexdigest()[:16]) == (count, digest)


@given(days, st.integers(0, 60))
def test_working_days_are_counted_one_by_one(day: date, count: int):
    found = working_day_after(day, count)
    assert is_working_day(found)
    between = [day + timedelta(days=i) for i in range(1, (found - day).days + 1)]
    if count:
        assert sum(is_working_day(one) for one in between) == count
    else:
        assert not any(is_working_day(one) for one in [day, *between][:-1])
    with pytest.raises(ValueError, match="count is -1"):
        working_day_after(day, -1)
