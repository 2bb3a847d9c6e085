"""No row knows more than its decision time. The test tries: it puts what came later into the store, and nothing may move."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flex_engine.grid.rows import COVARIATES, LookAheadError, Rows, Store, truths
from tests.unit.flex_engine.grid.versions import FIRST, decisions, later, store

DAYS, HORIZON = 16, 40
KNOWN, _ = store(DAYS)
DECISIONS = decisions(DAYS)
POISON = 1e6


def columns(known: Store, at: np.ndarray = DECISIONS) -> np.ndarray:
    rows = Rows.at(known, at, HORIZON)
    return np.stack([rows.of(lead) for lead in range(0, HORIZON, 7)])


def poisoned(known: Store, name: str, targets: np.ndarray, minutes: np.ndarray) -> Store:
    """The store with one more version of `targets`, of the history or of a covariate, known at `minutes`."""
    if name == "history":
        return replace(known, history=later(known.history, targets, minutes, POISON))
    return replace(
        known, covariates={**known.covariates, name: later(known.covariates[name], targets, minutes, POISON)}
    )


HONEST = columns(KNOWN)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["history", *COVARIATES]),
    st.integers(0, DECISIONS.size - 1),
    st.lists(st.tuples(st.integers(0, DAYS * 48 - 1), st.integers(1, 5000)), min_size=1, max_size=60),
)
def test_what_became_known_after_a_decision_moves_nothing_in_its_row(
    name: str, row: int, late: list[tuple[int, int]]
) -> None:
    targets = np.array([FIRST + target for target, _ in late])
    minutes = np.array([DECISIONS[row] * 30 + after for _, after in late])
    found = columns(poisoned(KNOWN, name, targets, minutes))
    assert np.array_equal(found[:, : row + 1], HONEST[:, : row + 1], equal_nan=True)


@pytest.mark.parametrize("name", ["history", *COVARIATES])
def test_the_test_has_teeth(name: str) -> None:
    """The same versions known one minute earlier, at the decision itself, do move the row."""
    row = 3
    targets = DECISIONS[row] + np.arange(-48 if name == "history" else 0, 0 if name == "history" else 48)
    found = columns(poisoned(KNOWN, name, targets, np.full(targets.size, DECISIONS[row] * 30)))
    assert not np.array_equal(found[:, row], HONEST[:, row], equal_nan=True)
    assert np.array_equal(found[:, :row], HONEST[:, :row], equal_nan=True)


def test_forecasts_that_were_not_issued_yet_are_unknown_and_not_guessed() -> None:
    """At half past seven the forecast of tomorrow is not out; that of today is."""
    early = Rows.at(KNOWN, DECISIONS[:1] - 3, HORIZON)
    assert np.isfinite(early.of(0)).all()
    assert np.isnan(early.of(39)).any()
    assert np.isfinite(Rows.at(KNOWN, DECISIONS[:1], HORIZON).of(39)).all()


def test_a_truth_is_one_only_once_it_was_known() -> None:
    at = int(DECISIONS[2])
    assert np.isfinite(truths(KNOWN, DECISIONS[:2], 5, at=at)).all()
    assert np.isnan(truths(KNOWN, DECISIONS[2:4], 0, at=at)).all()
    for lead in (-1, HORIZON):
        with pytest.raises(LookAheadError, match="is not one of 0 to 39"):
            Rows.at(KNOWN, DECISIONS, HORIZON).of(lead)


def test_a_store_needs_every_covariate() -> None:
    with pytest.raises(ValueError, match="covariates lack wind, embedded_wind, solar"):
        Store(KNOWN.history, {"demand": KNOWN.covariates["demand"]})
