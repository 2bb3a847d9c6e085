"""Calendar columns follow London clocks; block means never look past their origin."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flex_engine.grid.features import BLOCKS, LOOKBACK, block_means, calendar


def test_daily_columns_repeat_after_a_london_day_and_not_after_24_hours_across_a_clock_change():
    winter = calendar(datetime(2024, 3, 29, 12, tzinfo=UTC), 48 * 4)
    # Friday noon GMT; the clocks go forward on Sunday 31 March, so Monday noon BST is 11:00 UTC
    monday_noon_bst = 3 * 48 - 2
    assert np.allclose(winter[0, 1:3], winter[monday_noon_bst, 1:3])
    assert not np.allclose(winter[0, 1:3], winter[3 * 48, 1:3])


def test_bank_holidays_and_weekends_are_non_working_days():
    new_year_2024_is_a_monday = calendar(datetime(2024, 1, 1, 12, tzinfo=UTC), 48 * 7)[::48, 0]
    assert new_year_2024_is_a_monday.tolist() == [1, 0, 0, 0, 0, 1, 1]


def test_block_means_are_plain_means_of_the_slots_before_the_origin():
    values = np.arange(300.0)
    row = block_means(values, np.array([250]))[0]
    assert row.tolist() == [values[250 - far : 250 - near].mean() for near, far in BLOCKS]


@given(origin=st.integers(LOOKBACK, 299), seed=st.integers(0, 9))
def test_no_value_at_or_after_the_origin_matters(origin: int, seed: int):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=300)
    changed = values.copy()
    changed[origin:] = 1e6
    assert np.array_equal(block_means(values[:origin], np.array([origin])), block_means(changed, np.array([origin])))


@pytest.mark.parametrize("origin", [LOOKBACK - 1, 301])
def test_an_origin_without_enough_past_or_past_the_end_is_refused(origin: int):
    with pytest.raises(ValueError, match="origins must lie in"):
        block_means(np.zeros(300), np.array([origin]))
