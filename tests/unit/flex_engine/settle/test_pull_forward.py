"""The window before an event, held against what was declared before the sale."""

from __future__ import annotations

import statistics
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flex_engine.settle.baseline import Baseline, clipped
from flex_engine.settle.delivery import MissingReadingError
from flex_engine.settle.like_day import like_day_mean
from flex_engine.settle.pull_forward import (
    DeclaredWindow,
    NoFindingError,
    WindowFinding,
    WindowRule,
    judge_window,
    window_rule,
    without_uplift,
)
from flex_engine.timegrid import HALF_HOUR, day_start, half_hours, period_start

START = datetime(2026, 1, 15, 12, tzinfo=UTC)
SOLD = datetime(2026, 1, 15, 11, tzinfo=UTC)
RULE = window_rule(day=date(2026, 1, 15))


def window(uplift_wh: int = 0, *, days: int = 0, declared_at: datetime = SOLD) -> DeclaredWindow:
    starts = [START - timedelta(days=days) + i * HALF_HOUR for i in range(6)]
    metered = dict.fromkeys(starts, 500000)
    metered[starts[0]] += uplift_wh
    return DeclaredWindow(dict.fromkeys(starts, 500_000), metered, declared_at)


def controls(count: int = 30, spread_wh: int = 20_000) -> list[DeclaredWindow]:
    return [window(spread_wh * (1 if i % 2 else -1), days=i) for i in range(1, count + 1)]


def judged(uplift_wh: int, **more: Any) -> WindowFinding:
    asked: dict[str, Any] = {"controls": controls(), "sold_at": SOLD, "event_periods": 6, "rule": RULE} | more
    return judge_window(window(uplift_wh), **asked)


def test_half_a_megawatt_hour_pulled_forward_is_found_and_its_over_credit_named():
    made = judged(500_000)
    assert made.alarm
    assert (made.uplift_wh, made.over_credit_wh) == (500_000, 500_000), "as many periods in the event as in the window"
    assert judged(500_000, event_periods=3).over_credit_wh == 250_000
    assert made.sentence() == (
        "Load was moved into the window before the event: +16.7% of the schedule, where up to +1.8% is usual on 30 days. "
        "It would credit 500000 Wh too much."
    )


def test_a_window_as_declared_raises_no_alarm():
    made = judged(20_000)
    assert not made.alarm
    assert made.sentence().startswith("The window before the event was as declared: +0.7%")
    assert not judged(-500_000).alarm, "less than declared is no gain for a turn-down"


def test_turn_up_is_judged_in_the_mirror():
    assert judged(-500_000, direction="INCREASE").alarm
    assert not judged(500_000, direction="INCREASE").alarm


@settings(max_examples=60)
@given(st.lists(st.integers(-150_000, 150_000), min_size=20, max_size=60))
def test_the_limit_is_the_mean_and_so_many_spreads_of_a_new_day(uplifts: list[int]):
    rule = WindowRule(controls=20, spreads=Decimal("2.65"), least=Decimal(0))
    days = [window(wh, days=i + 1) for i, wh in enumerate(uplifts)]
    made = judged(0, controls=days, rule=rule)
    shares = [wh / 3_000_000 for wh in uplifts]
    expected = statistics.fmean(shares) + 2.65 * statistics.stdev(shares) * (1 + 1 / len(shares)) ** 0.5
    assert float(made.limit) == pytest.approx(expected, abs=3e-6)
    assert float(made.usual) == pytest.approx(statistics.fmean(shares), abs=1e-6)


def test_where_meter_and_schedule_always_agree_a_trifle_is_no_alarm():
    flat = controls(spread_wh=0)
    assert not judged(15_000, controls=flat).alarm, "half a per cent of 3 MWh"
    assert judged(15_100, controls=flat).alarm


def test_a_schedule_declared_after_the_sale_proves_nothing():
    late = window(declared_at=SOLD + timedelta(minutes=1))
    with pytest.raises(NoFindingError, match="declared at 2026-01-15T11:01Z, after the sale at 2026-01-15T11:00Z"):
        judge_window(late, controls=controls(), sold_at=SOLD, event_periods=6, rule=RULE)


def test_too_few_controls_give_no_finding_rather_than_an_acquittal():
    with pytest.raises(NoFindingError, match="19 days without an event have a schedule; 20 are needed"):
        judged(0, controls=controls(19))


def test_a_window_without_readings_or_without_load_is_refused():
    with pytest.raises(MissingReadingError, match="no reading for 2026-01-15T12:00Z"):
        DeclaredWindow({START: 1}, {}, SOLD)
    with pytest.raises(ValueError, match="declares no energy"):
        DeclaredWindow({START: 0}, {START: 1}, SOLD)


def test_an_event_with_an_alarm_loses_the_adjustment_that_the_pull_forward_made():
    """Two identical sites; one pulls 100 kWh into each half hour of the window. It is credited no more than the other."""
    day = date(2025, 9, 17)
    flat = dict.fromkeys(half_hours(day_start(day - timedelta(days=62)), day_start(day) + 36 * HALF_HOUR), 500_000)
    pulled = flat | {period_start(day, period): 600_000 for period in range(25, 31)}
    periods = [period_start(day, period) for period in range(33, 36)]
    honest, gamed = (like_day_mean(readings=one, periods=periods) for one in (flat, pulled))
    assert sum(gamed.periods.values()) - sum(honest.periods.values()) == 300_000, "E x H / W = 600 x 3 / 6 kWh"
    assert without_uplift(gamed).periods == honest.periods


@pytest.mark.parametrize(("direction", "adjustment", "kept"), [
    ("REDUCE", 5, False), ("REDUCE", -5, True), ("INCREASE", 5, True), ("INCREASE", -5, False),
])  # fmt: skip
def test_an_adjustment_against_the_seller_stays(direction, adjustment: int, kept: bool):
    made = without_uplift(Baseline("m", {START: 100 + adjustment}, {START: 100}, adjustment), direction=direction)
    assert made.periods == {START: 100 + adjustment if kept else 100}
    assert made.adjustment_wh == (adjustment if kept else 0)


def test_a_baseline_that_was_already_cut_is_not_judged_afterwards():
    cut = clipped(Baseline("m", {START: 105}, {START: 100}, 5), most_wh=102)
    with pytest.raises(ValueError, match="judge the window first"):
        without_uplift(cut)
