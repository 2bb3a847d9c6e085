"""The like-day baseline: golden cases worked out apart, every missing reading named, and no float anywhere."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flex_engine.settle.baseline import BaselineError
from flex_engine.settle.like_day import LikeDayParameters, clean_days_left, like_day_mean
from flex_engine.settle.registry import work_out
from flex_engine.timegrid import HALF_HOUR, day_start, half_hours, period_start, periods_in_day, settlement_period
from tests.shared_data import shared

GOLDEN = "fixtures/golden_baseline_and_settlement_periods.json"
EVENT = date(2025, 9, 17)


def golden_cases() -> list[dict[str, Any]]:
    return list(json.loads(shared(GOLDEN).read_text())["cases"])


def golden_load(day: date, period: int) -> int:
    """The load function the golden file states, in Wh."""
    kwh = 500 + 10 * ((day.toordinal() * 7) % 11) + (30 if 32 <= period <= 38 else 0) + period
    return kwh * 1000


def golden_readings(case: dict[str, Any]) -> dict[datetime, int]:
    event = date.fromisoformat(case["day"])
    missing = {date.fromisoformat(day) for day in case["missing_days"]}
    readings = {}
    for back in range(61):
        day = event - timedelta(days=back)
        if day in missing:
            continue
        shift = round(case["day_shift"] * 1000) if day == event else 0
        last = periods_in_day(day) if day != event else case["event_first_sp"] - 1
        for period in range(1, last + 1):
            readings[period_start(day, period)] = golden_load(day, period) + shift
    return readings


@pytest.mark.parametrize("index", range(9))
def test_the_golden_cases(index: int):
    case = golden_cases()[index]
    day = date.fromisoformat(case["day"])
    periods = [period_start(day, case["event_first_sp"] + i) for i in range(case["event_sps"])]
    made = like_day_mean(
        readings=golden_readings(case),
        periods=periods,
        event_days={date.fromisoformat(one) for one in case["event_days"]},
        parameters=LikeDayParameters(adjust=case["ida_window_sps"] is not None),
    )
    assert [one.isoformat() for one in made.days_used] == case["selected_days"]
    assert [made.unadjusted[p] for p in periods] == [round(kwh * 1000) for kwh in case["unadjusted"]]
    assert made.adjustment_wh == round(case["ida"] * 1000)
    assert [made.periods[p] for p in periods] == [round(kwh * 1000) for kwh in case["baseline"]]
    assert [settlement_period(one)[1] for one in made.window] == (case["ida_window_sps"] or [])
    assert json.loads(json.dumps(made.facts()))["days_used"] == case["selected_days"]


def test_there_are_nine_golden_cases():
    assert len(golden_cases()) == 9


def flat(day: date, kwh: int = 500, *, days: int = 62) -> dict[datetime, int]:
    """The same reading in every half hour of `days` days before `day` and of the day itself."""
    start, end = day_start(day - timedelta(days=days)), day_start(day + timedelta(days=1))
    return dict.fromkeys(half_hours(start, end), kwh * 1000)


def test_a_flat_site_that_did_nothing_has_its_own_load_as_baseline():
    periods = [period_start(EVENT, 35), period_start(EVENT, 36)]
    made = work_out("like-day-mean-v1", readings=flat(EVENT), periods=periods)
    assert set(made.periods.values()) == {500_000}
    assert made.adjustment_wh == 0
    assert made.facts()["event_days_used"] == []


def test_load_shed_in_the_event_does_not_lower_its_own_baseline():
    readings = flat(EVENT)
    periods = [period_start(EVENT, 35), period_start(EVENT, 36)]
    shed = readings | dict.fromkeys(periods, 100_000)
    assert like_day_mean(readings=shed, periods=periods) == like_day_mean(readings=readings, periods=periods)


def test_a_site_already_low_before_the_event_is_not_paid_for_what_it_would_not_have_drawn():
    """The in-day adjustment carries a quiet day into the event: there is nothing to sell."""
    periods = [period_start(EVENT, 35)]
    quiet = {moment: wh if settlement_period(moment)[0] != EVENT else 200_000 for moment, wh in flat(EVENT).items()}
    made = like_day_mean(readings=quiet, periods=periods)
    assert (made.unadjusted[periods[0]], made.adjustment_wh, made.periods[periods[0]]) == (500_000, -300_000, 200_000)


def test_each_missing_adjustment_reading_is_named():
    readings = flat(EVENT)
    for period in (28, 30):
        del readings[period_start(EVENT, period)]
    with pytest.raises(BaselineError, match="needs readings for 2025-09-17T12:30Z, 2025-09-17T13:30Z"):
        like_day_mean(readings=readings, periods=[period_start(EVENT, 33)])


def test_too_few_days_say_how_many_are_needed_and_where_the_first_gap_is():
    readings = {moment: wh for moment, wh in flat(EVENT).items() if settlement_period(moment)[0] > date(2025, 9, 10)}
    with pytest.raises(
        BaselineError, match=r"needs 10 working days .* 4 were found\. First gap: 2025-09-10 settlement period 1"
    ):
        like_day_mean(readings=readings, periods=[period_start(EVENT, 33)])


def test_no_periods_is_an_error():
    with pytest.raises(BaselineError, match="no settlement period"):
        like_day_mean(readings={}, periods=[])


@settings(max_examples=25)
@given(st.data())
def test_the_adjustment_is_the_exact_mean_rounded_once(data: st.DataObject):
    readings = {moment: data.draw(st.integers(0, 3_000_000)) if settlement_period(moment)[1] in {25, 26, 35} else 500_000
                for moment in half_hours(day_start(EVENT - timedelta(days=16)), day_start(EVENT) + 35 * HALF_HOUR)}  # fmt: skip
    start = period_start(EVENT, 35)
    made = like_day_mean(
        readings=readings, periods=[start], parameters=LikeDayParameters(adjustment_periods=2, adjustment_gap_periods=8)
    )
    assert [settlement_period(one)[1] for one in made.window] == [25, 26]
    over = [
        readings[one]
        - Fraction(sum(readings[period_start(day, settlement_period(one)[1])] for day in made.days_used), 10)
        for one in made.window
    ]
    assert made.adjustment_wh == round(sum(over, Fraction(0)) / 2), "Fraction rounds half to even, as the rule does"
    exact = Fraction(sum(readings[period_start(day, 35)] for day in made.days_used), 10)
    assert made.unadjusted[start] == round(exact)
    assert made.periods[start] == made.unadjusted[start] + made.adjustment_wh


def test_readings_on_the_event_day_after_the_event_are_not_needed():
    known = {moment: wh for moment, wh in flat(EVENT).items() if moment < datetime(2025, 9, 17, 16, tzinfo=UTC)}
    assert like_day_mean(readings=known, periods=[period_start(EVENT, 35)]).periods


history = st.lists(st.integers(0, 50_000), min_size=62, max_size=62)


GRID = [
    (start, *settlement_period(start))
    for start in half_hours(day_start(EVENT - timedelta(days=61)), day_start(EVENT) + 34 * HALF_HOUR)
]


def made_of(levels: list[int], *, times: int = 1, plus: int = 0, event_days=(), shuffled: bool = False):
    """Baseline of two periods of a site whose days lie at `levels`; every value a multiple of 20, so that no mean rounds."""
    readings = {
        start: 20 * times * (levels[(EVENT - day).days] + period * period) + 20 * plus for start, day, period in GRID
    }
    if shuffled:
        readings = dict(reversed(readings.items()))
    return work_out(
        "like-day-mean-v1", readings=readings, periods=[period_start(EVENT, p) for p in (35, 36)], event_days=event_days
    )


@settings(max_examples=15)
@given(history, st.integers(0, 10_000), st.integers(2, 9))
def test_more_load_everywhere_and_a_larger_site_move_the_baseline_alike(levels: list[int], plus: int, times: int):
    made = made_of(levels)
    assert made_of(levels, plus=plus).periods == {start: wh + 20 * plus for start, wh in made.periods.items()}
    assert made_of(levels, times=times).periods == {start: wh * times for start, wh in made.periods.items()}
    assert made_of(levels, shuffled=True) == made


@settings(max_examples=15)
@given(history, st.sets(st.integers(1, 60), max_size=25), st.integers(0, 10**6))
def test_what_happened_on_event_days_never_enters_while_clean_days_are_left(levels, back, other: int):
    days = {EVENT - timedelta(days=one) for one in back}
    changed = [other if i > 0 and EVENT - timedelta(days=i) in days else wh for i, wh in enumerate(levels)]
    made = made_of(levels, event_days=days)
    if not made.event_days_used:
        assert made_of(changed, event_days=days).periods == made.periods
    assert not days & set(made.days_used) - set(made.event_days_used)


def test_clean_days_are_counted_down_to_the_fallback():
    readings = flat(EVENT)
    every = [EVENT - timedelta(days=back) for back in range(1, 61)]
    working = [day for day in every if day.weekday() < 5 and day != date(2025, 8, 25)]
    assert clean_days_left(EVENT, readings=readings, event_days=()) == len(working) - 10 == 31
    assert clean_days_left(EVENT, readings=readings, event_days=working[:31]) == 0
    periods = [period_start(EVENT, 35)]
    assert not like_day_mean(readings=readings, periods=periods, event_days=working[:31]).event_days_used
    assert clean_days_left(EVENT, readings=readings, event_days=working[:32]) == -1
    assert len(like_day_mean(readings=readings, periods=periods, event_days=working[:32]).event_days_used) == 1


def test_the_highest_days_are_kept_and_the_rest_left():
    readings = flat(EVENT)
    for back, kwh in ((1, 900), (2, 800), (5, 700)):
        start = period_start(EVENT - timedelta(days=back), 35)
        readings[start] = kwh * 1000
    made = like_day_mean(
        readings=readings,
        periods=[period_start(EVENT, 35)],
        parameters=LikeDayParameters(working_days=10, adjust=False, highest=3),
    )
    assert [(EVENT - day).days for day in made.days_used] == [1, 2, 5]
    assert made.periods[period_start(EVENT, 35)] == 800_000
