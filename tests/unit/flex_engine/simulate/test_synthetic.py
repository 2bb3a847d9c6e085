"""Made-up input: the same from the same seed, plausible in shape, and always labelled SIMULATED."""

from __future__ import annotations

import doctest
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flex_engine.quantities import Label, wh_from_kw
from flex_engine.simulate import synthetic
from flex_engine.timegrid import HALF_HOUR, LONDON

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
seeds = st.integers(0, 10_000)


@settings(max_examples=20)
@given(seeds)
def test_signals_are_repeatable_labelled_and_within_bounds(seed: int):
    made, again = synthetic.signals(MONDAY, 336, seed), synthetic.signals(MONDAY, 336, seed)
    assert made == again
    assert made != synthetic.signals(MONDAY, 336, seed + 1)
    for series in made.values():
        assert (series.label, series.source, len(series.values)) == (Label.SIMULATED, f"synthetic, seed {seed}", 336)
    assert min(made["carbon_intensity"].values) >= 20
    assert made["price"].unit == "GBP/MWh"


def test_evenings_are_dearer_and_dirtier_than_nights():
    made = synthetic.signals(MONDAY, 48 * 90, seed=1)
    for series in made.values():
        by_hour: dict[int, list[float]] = {}
        for index, value in enumerate(series.values):
            by_hour.setdefault((series.start + index * HALF_HOUR).astimezone(LONDON).hour, []).append(value)
        mean = {hour: sum(values) / len(values) for hour, values in by_hour.items()}
        assert mean[17] > mean[4] + 20
    assert any(value < 0 for value in made["price"].values), "now and then a negative price"


@settings(max_examples=20)
@given(seeds, st.integers(1, 10), st.integers(0, 60))
def test_jobs_can_all_run_in_their_own_window(seed: int, days: int, count: int):
    made = synthetic.jobs(MONDAY, days, count, seed)
    assert made == synthetic.jobs(MONDAY, days, count, seed)
    assert len({job.id for job in made}) == len(made) == count
    assert [job.arrival for job in made] == sorted(job.arrival for job in made)
    for job in made:
        assert MONDAY <= job.arrival < MONDAY + timedelta(days=days)
        assert timedelta(hours=4) <= timedelta(seconds=job.slack_s) <= timedelta(hours=36)
        assert (job.power_label, job.deadline_label) == (Label.SIMULATED, Label.SIMULATED)
        assert 5 <= job.power_kw <= 120


def test_a_meter_reads_the_load_within_its_error():
    made = synthetic.meter(MONDAY, [1000.0] * 2000, seed=1)
    assert made.label == Label.SIMULATED
    energies = [wh for _, wh in made.readings]
    assert [start for start, _ in made.readings[:2]] == [MONDAY, MONDAY + HALF_HOUR]
    mean = sum(energies) / len(energies)
    spread = (sum((wh - mean) ** 2 for wh in energies) / len(energies)) ** 0.5
    assert mean == pytest.approx(500_000, rel=0.002)
    assert spread == pytest.approx(5_000, rel=0.1), "one per cent"


def test_an_exact_meter_reads_exactly_and_a_bad_load_is_refused():
    made = synthetic.meter(MONDAY, [0.0, 12.3456], seed=1, noise_share=0.0)
    assert [wh for _, wh in made.readings] == [0, wh_from_kw(Decimal("12.3456"))]
    for bad in (-1.0, float("nan")):
        with pytest.raises(ValueError, match="load_kw must hold finite numbers of at least 0"):
            synthetic.meter(MONDAY, [bad], seed=1)


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(synthetic).failed == 0
