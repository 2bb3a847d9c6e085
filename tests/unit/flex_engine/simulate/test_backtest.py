"""The back-test is honest: what comes after an origin cannot help, the scores are what they say, and too short a record is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from flex_engine.grid.forecast import Ridge, SeasonalNaive
from flex_engine.quantities import Label
from flex_engine.series import HalfHourly, MissingDataError
from flex_engine.simulate.backtest import HISTORY, Paths, backtest, forecasts, pinball, span_score
from flex_engine.simulate.synthetic import signals

START = datetime(2024, 3, 1, 9, tzinfo=UTC)
DAYS, HORIZON = 9, 24
ORIGINS = [START + timedelta(days=day) for day in range(DAYS)]


@pytest.fixture(scope="module")
def record() -> HalfHourly:
    return signals(START - HISTORY, 48 * (70 + DAYS + 2), seed=3)["carbon_intensity"]


@pytest.mark.parametrize("model", [SeasonalNaive(), Ridge()], ids=lambda model: model.name)
def test_what_comes_after_an_origin_moves_nothing_before_it(record: HalfHourly, model) -> None:
    cut = int((ORIGINS[4] - record.start) / timedelta(minutes=30))
    other = replace(record, values=record.values[:cut] + tuple(999.0 for _ in record.values[cut:]))
    honest, tried = (forecasts(model, one, ORIGINS, HORIZON) for one in (record, other))
    assert np.array_equal(honest.middle[:5], tried.middle[:5])
    assert np.array_equal(honest.low[:5], tried.low[:5])
    assert not np.array_equal(honest.middle[5:], tried.middle[5:]), "and what came before an origin does count"


def test_a_series_that_repeats_is_forecast_without_error() -> None:
    day = tuple(float(100 + index) for index in range(48))
    steady = HalfHourly("carbon_intensity", START - HISTORY, day * 82, "gCO2e/kWh", "made up", Label.SIMULATED, START)
    scores = backtest(steady, START, START + timedelta(days=2), models=[SeasonalNaive()])
    assert [(score.first, score.last, score.truths) for score in scores] == [
        (0, 6, 12),
        (6, 12, 12),
        (12, 24, 24),
        (24, 48, 48),
        (48, 96, 96),
    ]
    assert {(score.mae, score.mape, score.pinball, score.cover, score.skill) for score in scores} == {
        (0.0, 0.0, 0.0, 1.0, 0.0)
    }


def test_the_scores_are_what_they_say() -> None:
    truth = np.array([[10.0, 20.0, 0.5]])
    paths = Paths(np.array([[8.0, 21.0, 0.0]]), np.array([[11.0, 24.0, 0.5]]), np.array([[12.0, 30.0, 1.0]]))
    naive = Paths(paths.low, np.array([[0.0, 20.0, 0.5]]), paths.high)
    score = span_score("m", paths, naive, truth, 0, 3)
    assert score.mae == pytest.approx(5 / 3)
    assert score.mape == pytest.approx((0.1 + 0.2) / 2), "a truth of half a unit has no percentage"
    assert score.wape == pytest.approx(5 / 30.5)
    assert score.cover == pytest.approx(2 / 3)
    assert score.skill == pytest.approx(0.5)
    assert pinball(np.array([10.0]), np.array([8.0]), 0.1) == pytest.approx(0.2)
    assert pinball(np.array([10.0]), np.array([12.0]), 0.1) == pytest.approx(1.8)


def test_a_member_is_held_against_yesterday_even_when_that_is_not_asked_for(record: HalfHourly) -> None:
    [score] = backtest(record, START, START + timedelta(days=2), models=[Ridge()], horizon=6)
    assert score.skill not in (0.0, 1.0)


def test_a_record_that_is_too_short_is_refused(record: HalfHourly) -> None:
    with pytest.raises(MissingDataError, match="a back-test from 2024-03-02 needs 2023-12-23T09:00Z to"):
        backtest(record, START + timedelta(days=1), START + timedelta(days=40))
    with pytest.raises(MissingDataError, match="needs 2023-12-20T09:00Z to"):
        backtest(record, START - timedelta(days=2), START + timedelta(days=1))
    with pytest.raises(ValueError, match="no day lies between"):
        backtest(record, START, START)
