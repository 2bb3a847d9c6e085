"""One cell at a time: numbers, durations and times in their usual spellings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flex_engine.compute.fields import FieldError, read_bool, read_duration, read_number, read_time


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("90", 90),
        ("1:30", 5400),
        ("01:00:05", 3605),
        ("2-01:00:00", 176400),
        ("PT2H30M", 9000),
        ("P1DT1S", 86401),
        ("pt90m", 5400),
        ("0.4", 1),
    ],
)
def test_durations(written: str, seconds: int):
    assert read_duration("duration", written) == seconds


@pytest.mark.parametrize("written", ["PT", "P", "1:60", "1h", "", "1:2:3:4", "١٢", "1_000", "0x10", "inf"])
def test_what_is_no_duration(written: str):
    with pytest.raises(FieldError) as caught:
        read_duration("duration", written)
    assert caught.value.value == written
    assert str(caught.value).startswith(f"duration is {written!r}: ")


def test_counted_durations_are_scaled():
    assert read_duration("duration", "1.5", 3600) == 5400


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001
def test_a_time_with_a_zone_comes_back_as_the_same_instant(moment: datetime, minutes: int):
    local = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    found, counted = read_time("arrival", local.isoformat(), 1, None)
    assert (found, found.tzinfo, counted) == (local, UTC, False)


def test_a_date_alone_is_no_time():
    with pytest.raises(FieldError, match="this is not a time"):
        read_time("arrival", "2026-03-02", 1, None)


def test_numbers():
    assert read_number("power_kw", " 12.50 ") == 12.5
    assert read_number("cpus", None, missing=3.0) == 3.0
    assert read_number("x", "1e3", 2) == 2000
    for bad in ("1,5", "1e999", "--1", "1.2.3", "nan", "True"):
        with pytest.raises(FieldError):
            read_number("power_kw", bad)


def test_yes_and_no():
    assert [read_bool("p", word, missing=False) for word in ("YES", "1", True, "n", "false", "")] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]
