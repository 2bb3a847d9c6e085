"""Point predictors on arrays: exact on what they model, blind to what comes after the origin."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from flex_engine.grid.features import calendar
from flex_engine.grid.predictors import FULL_ROWS, LOOKBACK, MeanDay, Predictor, Repeat, train_ridge

START = datetime(2024, 1, 1, tzinfo=UTC)
SLOTS = 48 * 40


@pytest.fixture(scope="module")
def columns() -> np.ndarray:
    return calendar(START, SLOTS + 96)


def noisy(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (
        100 + 20 * np.sin(2 * np.pi * np.arange(SLOTS) / 48) + np.convolve(rng.normal(size=SLOTS), np.ones(12), "same")
    )


def test_repeat_gives_the_last_period_again():
    values = np.arange(100.0)
    assert Repeat(48).paths(values, np.empty((0, 0)), np.array([100]), 50)[0].tolist() == [*range(52, 100), 52, 53]


def test_mean_day_is_the_mean_of_each_half_hour_of_the_days_before():
    values = np.concatenate([np.full(48, 1.0), np.full(48, 3.0), np.arange(10.0)])
    path = MeanDay().paths(values, np.empty((0, 0)), np.array([96]), 50)[0]
    assert path.tolist() == [2.0] * 50


def test_ridge_recovers_a_series_that_is_only_calendar(columns: np.ndarray):
    truth = 120 + 30 * columns[:, 1] - 10 * columns[:, 2] + 5 * columns[:, 0]
    predictor = train_ridge(truth[:SLOTS], columns, 96)
    path = predictor.paths(truth[:SLOTS], columns, np.array([SLOTS]), 96)[0]
    assert np.abs(path - truth[SLOTS:]).max() < 1.0


def test_ridge_carries_an_anomaly_forward_and_lets_it_fade(columns: np.ndarray):
    rng = np.random.default_rng(1)
    values = np.zeros(SLOTS)
    for slot in range(1, SLOTS):
        values[slot] = 0.97 * values[slot - 1] + rng.normal()
    values[-24:] += 20
    path = train_ridge(values, columns, 96).paths(values, columns, np.array([SLOTS]), 96)[0]
    assert path[0] > 10
    assert abs(path[-1]) < path[0] / 2


def test_the_normal_equations_hold(columns: np.ndarray):
    """The weights are the minimum of the penalised squared error: nudging any of them makes it worse."""
    from flex_engine.grid import predictors
    from flex_engine.grid.features import block_means

    values = noisy()
    fitted = train_ridge(values, columns, 1)
    expected = fitted.level + (columns[:SLOTS] - fitted.calendar_mean) @ fitted.calendar_weights
    origins = np.arange(LOOKBACK, SLOTS, 2)
    x, y = block_means(values - expected, origins) / fitted.scale, (values - expected)[origins]
    penalty = predictors.PENALTY * max(len(origins), FULL_ROWS)

    def loss(weights: np.ndarray) -> float:
        return float(((y - x @ weights) ** 2).sum() + penalty * (weights**2).sum())

    best = loss(fitted.weights[:, 0])
    for index in range(x.shape[1]):
        for nudge in (1e-3, -1e-3):
            assert loss(fitted.weights[:, 0] + nudge * np.eye(x.shape[1])[index]) > best


@pytest.mark.parametrize("kind", ["day", "week", "mean", "ridge"])
def test_a_path_uses_nothing_at_or_after_its_origin(kind: str, columns: np.ndarray):
    values = noisy()
    made: dict[str, Predictor] = {
        "day": Repeat(48),
        "week": Repeat(336),
        "mean": MeanDay(),
        "ridge": train_ridge(values[:1200], columns[:1200], 96),
    }
    predictor = made[kind]
    origins = np.array([1200, 1313, 1500])
    honest = predictor.paths(values, columns, origins, 96)
    for row, origin in enumerate(origins):
        cheated = values.copy()
        cheated[origin:] = 1e5
        assert np.allclose(
            predictor.paths(cheated, columns, origins[row : row + 1], 96)[0], honest[row], rtol=0, atol=1e-6
        )


def test_too_few_values_and_too_long_a_path_are_refused(columns: np.ndarray):
    with pytest.raises(ValueError, match="too few to learn 96"):
        train_ridge(noisy()[:200], columns, 96)
    with pytest.raises(ValueError, match="trained for 10 half hours ahead, asked for 11"):
        train_ridge(noisy(), columns, 10).paths(noisy(), columns, np.array([SLOTS]), 11)
