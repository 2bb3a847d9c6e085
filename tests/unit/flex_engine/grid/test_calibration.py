"""Rolling origins train on the past only; the band covers what it says for exchangeable errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flex_engine.grid.calibration import FOLD_SLOTS, HeldOut, band, reachable, realised_cover, roll, score
from flex_engine.grid.predictors import Predictor, Repeat


def held(residuals: np.ndarray, step: int = 11) -> HeldOut:
    origins = np.arange(len(residuals)) * step
    return HeldOut(origins, residuals, np.full(residuals.shape, 100.0))


def test_each_fold_is_trained_on_what_came_before_it_only():
    seen: list[int] = []

    def train(values: np.ndarray, calendar: np.ndarray, horizon: int) -> Predictor:
        seen.append(values.size)
        assert len(calendar) == values.size
        return Repeat(48)

    values = np.arange(1500.0)
    found = roll(train, values, np.zeros((1600, 1)), 96, first=500)
    assert seen == [500, 500 + FOLD_SLOTS, 500 + 2 * FOLD_SLOTS]
    assert found.origins.tolist() == list(range(500, 1500, 11))
    # the naive path repeats the day before, and the truth climbs by one a slot
    assert np.array_equal(found.residuals[0], np.where(np.arange(96) < 48, 48.0, 96.0))
    assert np.isnan(found.residuals[-1][-1]), "no truth beyond the history may be made up"


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_the_band_covers_about_eighty_per_cent_of_fresh_exchangeable_errors(seed: int):
    rng = np.random.default_rng(seed)
    lines = band(held(rng.gamma(2.0, 10.0, (200, 48)) - 15), horizon=48)
    fresh = rng.gamma(2.0, 10.0, (400, 48)) - 15
    cover = np.mean((fresh >= lines.below) & (fresh <= lines.above))
    assert 0.74 <= cover <= 0.86


def test_the_band_takes_the_order_statistic_that_guarantees_cover():
    residuals = np.arange(-9.5, 10.5)[:, None].repeat(2, axis=1)
    lines = band(held(residuals), horizon=2)
    # 20 origins: the 21 * 0.9 / 20 = 0.945 quantile of 40 residuals is the 38th smallest, 8.5 (each value stands twice)
    assert lines.above.tolist() == [8.5, 8.5]
    assert lines.below.tolist() == [-8.5, -8.5]


def test_fewer_episodes_widen_the_band():
    """Two days of origins say less about the day after tomorrow than forty do, whatever the number of half hours."""
    rng = np.random.default_rng(5)
    errors = rng.normal(0, 10, (200, 96))
    short, long = band(held(errors, step=1), horizon=96), band(held(errors, step=12), horizon=96)
    assert short.above[-1] > 1.2 * long.above[-1]


def test_the_band_never_leaves_the_central_path_out():
    lines = band(held(np.full((30, 4), 5.0)), horizon=4)
    assert lines.below.tolist() == [0.0] * 4
    assert lines.above.tolist() == [5.0] * 4


def test_reachable_counts_leads_with_enough_truths():
    residuals = np.zeros((10, 5))
    residuals[5:, 3:] = np.nan
    assert reachable(held(residuals)) == 3


def test_score_weighs_the_first_day_the_second_and_the_rest_alike():
    residuals = np.concatenate([np.full(48, 10.0), np.full(48, 20.0), np.full(240, 60.0)])[None, :].repeat(12, axis=0)
    found = score(held(residuals), model="x", horizon=336)
    assert found.mae_by_span == (10.0, 20.0, 60.0)
    assert found.mae == 30.0
    assert found.wape == pytest.approx(0.3)


def test_realised_cover_is_measured_on_later_errors_with_an_earlier_band():
    rng = np.random.default_rng(2)
    calm, wild = rng.normal(0, 1, (60, 48)), rng.normal(0, 5, (60, 48))
    assert realised_cover(held(np.concatenate([calm, calm])), horizon=48) == pytest.approx(0.8, abs=0.05)
    # errors grew five-fold: the earlier band must be seen to fail
    assert (realised_cover(held(np.concatenate([calm, wild])), horizon=48) or 0) == pytest.approx(0.2, abs=0.1)


def test_realised_cover_is_none_when_there_is_nothing_to_split():
    assert realised_cover(held(np.zeros((3, 4))), horizon=4) is None
