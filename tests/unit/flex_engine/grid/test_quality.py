"""Suspicious signals are named, ordinary ones are not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flex_engine.feeds.file import load_signals
from flex_engine.grid.quality import findings
from flex_engine.quantities import Label
from flex_engine.series import HalfHourly
from tests.shared_data import shared

START = datetime(2024, 1, 2, tzinfo=UTC)


def carbon(values: list[float]) -> HalfHourly:
    return HalfHourly("carbon_intensity", START, tuple(values), "gCO2e/kWh", "made up", Label.SIMULATED, START)


def test_an_ordinary_series_has_no_findings():
    series = carbon([100 + 3 * (index % 7) for index in range(96)])
    assert findings(series, now=series.end + timedelta(minutes=90)) == []


def test_age_flat_lines_and_steps_are_named():
    series = carbon([100.0] * 13 + [210.0, 209.0])
    assert findings(series, now=series.end + timedelta(minutes=91)) == [
        "carbon_intensity ends at 2024-01-02T07:30Z, 91 minutes ago.",
        "carbon_intensity stays at 100 gCO2e/kWh for 13 half hours from 2024-01-02T00:00Z.",
        "carbon_intensity steps from 100 to 210 gCO2e/kWh at 2024-01-02T06:30Z.",
    ]


def test_six_flat_hours_are_still_ordinary():
    series = carbon([100.0] * 12 + [101.0])
    assert findings(series, now=series.end) == []


def test_a_year_of_british_carbon_shows_no_step():
    series = load_signals(
        shared("data/gb_joined_hh_2016_2024.parquet"),
        datetime(2024, 1, 1, tzinfo=UTC),
        datetime(2024, 12, 1, tzinfo=UTC),
        fill_gaps=True,
    )["carbon_intensity"]
    assert [text for text in findings(series, now=series.end) if "steps" in text] == []
