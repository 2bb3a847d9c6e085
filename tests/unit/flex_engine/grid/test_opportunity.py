"""Windows worth moving, against a brute force over all pairs."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flex_engine.grid.opportunity import windows
from flex_engine.quantities import Label
from flex_engine.series import HalfHourly
from flex_engine.timegrid import HALF_HOUR

START = datetime(2024, 1, 2, 16, tzinfo=UTC)


def line(name: str, values: list[float]) -> HalfHourly:
    unit = "GBP/MWh" if name == "price" else "gCO2e/kWh"
    return HalfHourly(name, START, tuple(float(value) for value in values), unit, "made up", Label.SIMULATED, START)


def test_the_evening_peak_is_the_window_and_the_night_is_where_work_goes():
    price = line("price", [50, 120, 140, 60, 20, 10, 30, 40])
    carbon = line("carbon_intensity", [100, 200, 220, 150, 80, 70, 90, 100])
    best = windows(price, carbon, length_slots=2)[0]
    assert (best.start, best.end) == (START + HALF_HOUR, START + 3 * HALF_HOUR)
    assert best.other_start == START + 4 * HALF_HOUR
    assert best.price_spread == pytest.approx(130 - 15)
    assert best.carbon_spread == pytest.approx(210 - 75)
    assert (
        best.reason
        == "£130/MWh and 210 g/kWh here against £15/MWh and 75 g/kWh from 2024-01-02T18:00Z: work is better done then."
    )


def test_a_negative_price_is_an_opportunity_to_turn_up():
    price = line("price", [60, -40, 90, 20])
    carbon = line("carbon_intensity", [100, 30, 180, 100])
    best = windows(price, carbon, length_slots=1, direction="INCREASE")[0]
    assert (best.start, best.other_start, best.direction) == (START + HALF_HOUR, START + 2 * HALF_HOUR, "INCREASE")
    assert (best.price_spread, best.carbon_spread) == (130, 150)


def test_a_carbon_price_can_turn_the_choice():
    price = line("price", [50, 45, 50, 50])
    carbon = line("carbon_intensity", [300, 100, 100, 100])
    assert windows(price, carbon, length_slots=1, least_value=10) == []
    best = windows(price, carbon, length_slots=1, carbon_price_gbp_per_tonne=85)[0]
    assert best.start == START
    assert best.value == pytest.approx(5 + 200 * 85 / 1000)


def test_nothing_is_made_of_a_flat_day():
    assert windows(line("price", [50] * 10), line("carbon_intensity", [100] * 10), length_slots=2) == []


def test_a_window_longer_than_half_the_series_has_nowhere_to_go():
    assert windows(line("price", [9, 1, 1]), line("carbon_intensity", [1, 1, 1]), length_slots=2) == []
    assert windows(line("price", [9]), line("carbon_intensity", [1]), length_slots=2) == []


@given(
    prices=st.lists(st.integers(-100, 300), min_size=4, max_size=30),
    length=st.integers(1, 4),
    within=st.integers(1, 12),
    direction=st.sampled_from(["REDUCE", "INCREASE"]),
)
def test_the_first_window_is_the_best_of_all_pairs_and_none_overlap(prices, length, within, direction):
    sign = 1 if direction == "REDUCE" else -1
    found = windows(
        line("price", prices),
        line("carbon_intensity", [0] * len(prices)),
        length_slots=length,
        within_slots=within,
        direction=direction,
    )
    pairs = [
        sign * (sum(prices[here : here + length]) - sum(prices[there : there + length])) / length
        for here in range(len(prices) - length)
        for there in range(here + length, min(here + length + within, len(prices) - length + 1))
    ]
    best = max(pairs, default=0)
    assert (found[0].value if found else 0) == pytest.approx(max(best, 0), abs=1e-9)
    assert all(one.value > 0 for one in found)
    starts = sorted(one.start for one in found)
    assert all(later - earlier >= length * HALF_HOUR for earlier, later in pairwise(starts))


def test_series_that_do_not_match_are_refused():
    price = line("price", [1, 2, 3])
    with pytest.raises(ValueError, match="slice both to the same half hours"):
        windows(price, line("carbon_intensity", [1, 2]), length_slots=1)
    with pytest.raises(ValueError, match="must be at least 1"):
        windows(price, line("carbon_intensity", [1, 2, 3]), length_slots=0)
