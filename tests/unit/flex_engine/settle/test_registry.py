"""The registry: every entry can be made, none that is biased is a default, and an old id keeps its meaning."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from flex_engine.settle.baseline import BaselineError
from flex_engine.settle.declared import Nomination
from flex_engine.settle.effective import rows_of
from flex_engine.settle.registry import MAKERS, default_method, methods, work_out
from flex_engine.timegrid import HALF_HOUR, day_start, half_hours, period_start

DAY = date(2025, 9, 17)
PERIODS = [period_start(DAY, period) for period in range(33, 39)]
FLAT = dict.fromkeys(half_hours(day_start(DAY - timedelta(days=62)), day_start(DAY + timedelta(days=1))), 500_000)
NOMINATION = Nomination(dict.fromkeys(PERIODS, 500_000), datetime(2025, 9, 16, 10, tzinfo=UTC))


def test_every_entry_makes_the_baseline_of_a_flat_site_and_signs_it_with_its_id():
    for entry in methods():
        made = work_out(entry.id, readings=FLAT, periods=PERIODS, nomination=NOMINATION)
        assert made.method == entry.id
        assert set(made.periods.values()) == ({0} if entry.id == "zero-v1" else {500_000})
        assert len(entry.id) <= 40


def test_the_default_is_one_and_is_not_biased():
    assert default_method().id == "like-day-mean-v1"
    assert [entry.id for entry in methods() if entry.standing == "BIASED"] == ["high-3-of-5-v1", "high-5-of-10-v1"]
    assert all("Biased" in entry.note for entry in methods() if entry.standing == "BIASED")
    assert all(entry.id.endswith(f"-v{entry.version}") for entry in methods())


def test_every_maker_is_used():
    assert {row.values["method"] for row in rows_of("baseline_methods")} == set(MAKERS)


def test_the_numbers_behind_an_id_that_statements_carry_do_not_change():
    """Other numbers are another version: this test is the reminder."""
    (entry,) = [one for one in methods() if one.id == "like-day-mean-v1"]
    assert entry.parameters == {
        "lookback_days": 60,
        "working_days": 10,
        "non_working_days": 4,
        "adjustment_periods": 6,
        "adjustment_gap_periods": 2,
        "adjust": True,
    }


def test_an_unknown_method_and_a_day_before_the_rules_are_refused():
    with pytest.raises(BaselineError, match="Nothing is held for gut-feeling-v1 on 2025-09-17"):
        work_out("gut-feeling-v1", readings=FLAT, periods=PERIODS)
    with pytest.raises(BaselineError, match="covers \\[2016-01-01"):
        work_out("zero-v1", readings={}, periods=[datetime(2015, 6, 1, tzinfo=UTC)])


def test_the_highest_days_lie_above_the_plain_mean():
    levels = {start: wh + (start.toordinal() * 7919 % 11) * 10_000 for start, wh in FLAT.items()}
    plain = work_out("like-day-mean-unadjusted-v1", readings=levels, periods=PERIODS)
    for method in ("high-5-of-10-v1", "high-3-of-5-v1"):
        high = work_out(method, readings=levels, periods=PERIODS)
        assert len(high.days_used) == int(method.split("-")[1])
        assert sum(high.periods.values()) > sum(plain.periods.values())


def test_a_day_of_fifty_periods_can_be_settled():
    day = date(2025, 10, 26)
    flat = dict.fromkeys(half_hours(day_start(day - timedelta(days=62)), day_start(day + timedelta(days=1))), 400_000)
    last = [period_start(day, 49), period_start(day, 50)]
    assert set(work_out("like-day-mean-v1", readings=flat, periods=last).periods.values()) == {400_000}
    assert last[1] - last[0] == HALF_HOUR
