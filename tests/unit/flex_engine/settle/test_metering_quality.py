"""Findings of a settlement day: what is missing, what stands still, what jumps, and what came flagged."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from flex_engine.settle.metering_quality import Known, day_quality
from flex_engine.timegrid import day_start, half_hours

DAY = date(2026, 1, 15)
LATER = datetime(2026, 12, 1, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)


def sound(day: date, before: int = 12) -> dict[datetime, Known]:
    starts = half_hours(day_start(day) - before * HALF_HOUR, day_start(day + timedelta(days=1)))
    return {start: Known(400_000 + index, "ACTUAL") for index, start in enumerate(starts)}


def found(readings, day=DAY, until=LATER) -> dict[str, str]:
    return {one.code: one.words for one in day_quality(day, readings, limit_wh=1_000_000, until=until).findings}


@pytest.mark.parametrize(("day", "periods"), [(DAY, 48), (date(2026, 3, 29), 46), (date(2026, 10, 25), 50)])
def test_a_sound_day_has_its_number_of_periods_and_no_finding(day, periods):
    quality = day_quality(day, sound(day), limit_wh=1_000_000, until=LATER)
    assert (quality.periods, quality.due, quality.known, quality.findings) == (periods, periods, periods, ())


def test_gaps_are_named_by_their_settlement_periods_and_what_is_to_come_is_none():
    readings = sound(DAY)
    noon = day_start(DAY) + timedelta(hours=12)
    for start in (noon, noon + HALF_HOUR, noon + 4 * HALF_HOUR):
        del readings[start]
    quality = day_quality(DAY, readings, limit_wh=1_000_000, until=noon + 5 * HALF_HOUR)
    assert (quality.due, quality.known) == (29, 26)
    assert [one.words for one in quality.findings] == ["No reading for periods 25 to 26.", "No reading for period 29."]


def test_more_than_six_hours_of_the_same_is_a_flat_line_also_over_midnight():
    readings, midnight = sound(DAY), day_start(DAY)
    for index in range(12):
        readings[midnight + (index - 6) * HALF_HOUR] = Known(5, "ACTUAL")
    assert "FLAT" not in found(readings)
    readings[midnight + 6 * HALF_HOUR] = Known(5, "ACTUAL")
    assert "13 half hours from 2026-01-14T21:00Z" in found(readings)["FLAT"]


def test_steps_limits_and_flags():
    readings, noon = sound(DAY), day_start(DAY) + timedelta(hours=12)
    readings[noon] = Known(1_450_000, "SUSPECT")
    readings[noon + HALF_HOUR] = Known(449_999, "ESTIMATED")
    findings = found(readings)
    assert findings["STEP"] == "From 1,450,000 to 449,999 Wh at period 26: more than the site takes."
    assert findings["LIMIT"] == "1 above the site's 1,000,000 Wh in half an hour, up to 1,450,000 Wh."
    assert findings["SUSPECT"] == "1 of the day's readings is suspect."
    assert findings["ESTIMATED"] == "1 of the day's readings is estimated."
