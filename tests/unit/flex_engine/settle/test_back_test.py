"""The no-event back-test, against sites whose error is known by construction and against a second way of reckoning."""

from __future__ import annotations

import statistics
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.baselines import readings_of, year_of
from flex_engine.settle import back_test as settle_back_test
from flex_engine.settle.back_test import BackTest, back_test, faults, figures
from flex_engine.settle.baseline import Baseline, BaselineError
from flex_engine.settle.registry import work_out
from flex_engine.timegrid import HALF_HOUR, day_start, half_hours, is_working_day, period_start, settlement_period
from tests.shared_data import shared

NEXT = date(2025, 9, 17)
DAYS = [NEXT - timedelta(days=back) for back in range(30, 0, -1)]


def site(level) -> dict[datetime, int]:
    grid = half_hours(day_start(NEXT - timedelta(days=95)), day_start(NEXT))
    return {start: level(*settlement_period(start)) for start in grid}


def result_of(method: str, readings: dict[datetime, int], **more) -> BackTest:
    return back_test(method=method, readings=readings, days=DAYS, first_period=33, periods=6, next_day=NEXT, **more)


def test_a_flat_site_has_no_error():
    made = result_of("like-day-mean-v1", site(lambda day, period: 500_000))
    assert (made.days, made.untested) == (30, 0)
    assert (made.bias, made.rrmse, made.phantom_mwh) == (0, 0, 0)


def noisy(day: date, period: int) -> int:
    return 400_000 + (day.toordinal() * 2654435761 % 1000) * 200 + period * 100


@pytest.mark.parametrize("direction", ["REDUCE", "INCREASE"])
@pytest.mark.parametrize("method", ["like-day-mean-v1", "high-5-of-10-v1", "before-after-v1"])
def test_the_figures_are_those_of_statistics_on_the_same_errors(method: str, direction: str):
    readings = site(noisy)
    made = result_of(method, readings, direction=direction)
    errors, drawn = [], []
    for day in DAYS:
        starts = [period_start(day, 33) + i * HALF_HOUR for i in range(6)]
        baseline = work_out(method, readings=readings, periods=starts)
        errors += [baseline.periods[start] - readings[start] for start in starts]
        drawn += [readings[start] for start in starts]
    mean = statistics.fmean(drawn)
    assert float(made.bias) == pytest.approx(statistics.fmean(errors) / mean, abs=1e-6)
    assert float(made.rrmse) == pytest.approx(statistics.fmean(e * e for e in errors) ** 0.5 / mean, abs=2e-6)
    sign = 1 if direction == "REDUCE" else -1
    assert float(made.phantom_mwh) == pytest.approx(sum(max(0, sign * e) for e in errors) / 1e6 / 30, abs=1e-6)


def test_the_highest_days_show_their_bias_and_the_plain_mean_has_less():
    readings = site(noisy)
    plain, high = result_of("like-day-mean-unadjusted-v1", readings), result_of("high-5-of-10-v1", readings)
    assert high.bias > Decimal("0.05") > abs(plain.bias)
    assert high.phantom_mwh > plain.phantom_mwh


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(1, 10**7)), min_size=1, max_size=30))
def test_phantom_energy_never_falls_short_of_the_bias(errors: list[tuple[int, int]]):
    bias, rrmse, phantom = figures(errors, len(errors), "REDUCE")
    drawn = sum(metered for _, metered in errors)
    # shares to six places, so one part in a million of slack
    assert rrmse + Decimal("0.000002") >= abs(bias)
    assert phantom * len(errors) * 10**6 + len(errors) >= (bias - Decimal("0.000001")) * drawn


def test_a_method_that_would_look_at_the_event_itself_sees_nothing_there(monkeypatch: pytest.MonkeyPatch):
    """A baseline made from the event's own readings would have no error at all."""

    def peeking(method, *, readings, periods, event_days, nomination):
        seen = {start: readings.get(start, 0) for start in periods}
        assert not set(periods) & set(readings)
        assert len(readings) == len(list(readings))
        return Baseline(method, seen, seen)

    monkeypatch.setattr(settle_back_test, "work_out", peeking)
    assert result_of("peeking", site(lambda day, period: 500_000)).bias == -1


def test_a_spike_that_is_the_event_is_no_part_of_the_line_across_it():
    spike = site(lambda day, period: 900_000 if 33 <= period <= 38 else 500_000)
    assert result_of("before-after-v1", spike).bias == Decimal("-0.444444")


def test_event_days_are_left_out_and_missing_days_are_counted():
    readings = site(lambda day, period: 500_000)
    for start in [one for one in readings if settlement_period(one)[0] == DAYS[-1]]:
        del readings[start]
    made = result_of("like-day-mean-v1", readings, event_days=set(DAYS[:5]))
    assert (made.days, made.untested) == (24, 1)


def test_clean_days_left_fall_with_every_event_day():
    readings = site(lambda day, period: 500_000)
    before = result_of("like-day-mean-v1", readings).clean_days_left
    working = [day for day in DAYS if is_working_day(day)][:4]
    assert result_of("like-day-mean-v1", readings, event_days=working).clean_days_left == before - 4


def test_a_history_that_is_too_short_says_why():
    readings = {start: wh for start, wh in site(lambda d, p: 1).items() if settlement_period(start)[0] >= DAYS[-3]}
    with pytest.raises(BaselineError, match=r"No day could be tested\. There is no reading for 2025-08-18T15:00Z"):
        result_of("like-day-mean-v1", readings)
    with pytest.raises(BaselineError, match="Every day had an event"):
        result_of("like-day-mean-v1", readings, event_days=DAYS)
    with pytest.raises(BaselineError, match="drew nothing"):
        result_of("like-day-mean-v1", site(lambda d, p: 0))


def test_what_speaks_against_an_offer_is_said_in_sentences():
    good = BackTest("m", 30, 0, Decimal("0.01"), Decimal("0.12"), Decimal("0.14"), 20)
    assert faults(good, day=NEXT, event_mwh=Decimal("1.5")) == []
    bad = BackTest("m", 5, 0, Decimal("-0.12"), Decimal("0.26"), Decimal("0.9"), -2)
    assert faults(bad, day=NEXT, event_mwh=Decimal("1.5")) == [
        "Only 5 days could be tested; 20 are needed.",
        "The bias of m is 12.0%; at most 5% is allowed.",
        "The rrmse of m is 26.0%; at most 20% is allowed.",
        "Doing nothing would be paid 0.900 MWh an event, of 1.500 MWh offered; at most 50% is allowed.",
        "2 event day(s) would enter the baseline: too few clean days are left.",
    ]


@pytest.mark.parametrize(
    ("method", "bias", "rrmse", "phantom"),
    [("like-day-mean-v1", "0.003", "0.192", "0.27"), ("high-5-of-10-v1", "0.135", "0.273", "0.66")],
)
def test_a_year_of_a_real_job_trace_gives_the_errors_that_others_found_on_it(method, bias, rrmse, phantom):
    """The reference figures were worked out apart from this code, with 290 event days where we test 300."""
    made = year_of(method, readings_of(shared("data/trace_jobs_pai_100k.parquet")))
    assert abs(made.bias - Decimal(bias)) < Decimal("0.01")
    assert abs(made.rrmse - Decimal(rrmse)) < Decimal("0.02")
    assert abs(made.phantom_mwh - Decimal(phantom)) < Decimal("0.03")
