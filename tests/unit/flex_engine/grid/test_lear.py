"""LEAR learns what published forecasts say about the series, is trained on what was known, and speaks as the protocol asks."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from flex_engine.grid.forecast import ShortHistoryError
from flex_engine.grid.lear import Lear, train
from flex_engine.quantities import Label
from flex_engine.series import HalfHourly
from flex_engine.timegrid import HALF_HOUR
from tests.unit.flex_engine.grid.test_rows import poisoned
from tests.unit.flex_engine.grid.versions import FIRST, NINE, START, decisions, store

DAYS, HORIZON = 200, 6
KNOWN, TRUTH = store(DAYS)
UNTIL = 195 * 48 + NINE


def history(slots: int = UNTIL) -> HalfHourly:
    return HalfHourly(
        "carbon_intensity", START, tuple(TRUTH[:slots].tolist()), "gCO2e/kWh", "made up", Label.SIMULATED, START
    )


@pytest.fixture(scope="module")
def fitted() -> Lear:
    return Lear(KNOWN.covariates, horizon=HORIZON).fit(history())


def test_it_learns_what_wind_does_and_its_band_holds(fitted: Lear) -> None:
    made = fitted.predict(start=history().end, slots=HORIZON)
    truth = TRUTH[UNTIL : UNTIL + HORIZON]
    assert np.abs(np.array(made.p50) - truth).mean() < 10, "the noise alone is 5; yesterday again would be off by tens"
    assert all(low <= middle <= high for low, middle, high in zip(made.p10, made.p50, made.p90, strict=True))
    assert (made.model, made.unit, made.issued_at) == ("lear", "gCO2e/kWh", history().end)
    assert fitted.score is not None
    assert 0.6 < (fitted.score.cover or 0) < 0.95
    assert made.sources == ("made up", "demand", "wind", "embedded_wind", "solar")


def test_training_at_a_moment_knows_nothing_of_later_ones() -> None:
    at = FIRST + UNTIL
    honest = train(KNOWN, decisions(DAYS), at=at, horizon=2)
    late = np.arange(FIRST, FIRST + DAYS * 48)
    for name in ("history", "wind"):
        after = train(poisoned(KNOWN, name, late, np.full(late.size, at * 30 + 1)), decisions(DAYS), at=at, horizon=2)
        assert np.array_equal(after.weights, honest.weights)
    before = train(poisoned(KNOWN, "history", late[:9000], np.full(9000, at * 30)), decisions(DAYS), at=at, horizon=2)
    assert not np.array_equal(before.weights, honest.weights), "what was known in time is learnt from"


def test_the_digest_is_of_what_was_known(fitted: Lear) -> None:
    end = FIRST + UNTIL
    late = poisoned(KNOWN, "solar", np.array([end + 3]), np.array([end * 30 + 1])).covariates
    in_time = poisoned(KNOWN, "solar", np.array([end + 3]), np.array([end * 30])).covariates
    digests = [Lear(covariates, history=history()).digest() for covariates in (KNOWN.covariates, late, in_time)]
    assert digests[0] == digests[1] != digests[2]


def test_what_it_cannot_do_is_said(fitted: Lear) -> None:
    with pytest.raises(ShortHistoryError, match="lear needs 180 days of carbon_intensity; the history has 20"):
        Lear(KNOWN.covariates).fit(history(20 * 48))
    with pytest.raises(ValueError, match="call fit"):
        Lear(KNOWN.covariates).predict(start=START, slots=1)
    for start, slots in ((history().end - HALF_HOUR, 1), (history().end, 7), (history().end + timedelta(minutes=1), 1)):
        with pytest.raises(ValueError, match="do not lie within the 6 half hours"):
            fitted.predict(start=start, slots=slots)
