"""A forecast rests on what was known at its moment of issue, and says from where; too little history is an error."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace.models import Forecast, SignalPoint
from marketplace.rules.errors import MarketError
from marketplace.usecases.forecast_signals import forecast_signals, known_history
from tests.unit.marketplace.usecases import planned
from tests.unit.marketplace.usecases.market import HALF_HOUR, NOW, PLANNED


def issue(slots=96):
    return forecast_signals(start=PLANNED, slots=slots, now=NOW)


def test_one_forecast_a_series_with_its_band_and_its_sources(db):
    planned.known_signals()
    made = {one.series: one for one in issue()}
    assert set(made) == {"carbon_intensity", "price"}
    for one in made.values():
        assert len(one.p10) == len(one.p50) == len(one.p90) == 96
        assert all(low <= middle <= high for low, middle, high in zip(one.p10, one.p50, one.p90, strict=True))
        assert (one.start_at, one.issued_at, one.label) == (PLANNED, NOW, "SIMULATED")
        assert one.sources
        assert one.inputs_digest
    assert Forecast.objects.count() == 2


def test_what_is_published_later_does_not_change_a_forecast(db):
    """No look-ahead: a value that becomes known after the moment of issue is not there yet."""
    planned.known_signals()
    before = {one.series: (one.p50, one.inputs_digest) for one in issue()}
    SignalPoint.objects.create(
        series="price", start_at=PLANNED - HALF_HOUR, value=9999, unit="GBP/MWh", source="revision", label="MEASURED",
        known_at=NOW + timedelta(seconds=1),
    )  # fmt: skip
    assert {one.series: (one.p50, one.inputs_digest) for one in issue()} == before


def test_a_revision_known_in_time_is_used(db):
    planned.known_signals()
    SignalPoint.objects.create(
        series="price", start_at=PLANNED - HALF_HOUR, value=500, unit="GBP/MWh", source="revision", label="MEASURED",
        known_at=NOW - timedelta(seconds=1),
    )  # fmt: skip
    assert known_history("price", before=PLANNED, now=NOW).values[-1] == 500


def test_history_ends_at_the_last_value_and_never_bridges_a_gap(db):
    planned.known_signals()
    gap = PLANNED - timedelta(hours=6)
    SignalPoint.objects.filter(series="price", start_at=gap).delete()
    with pytest.raises(MarketError) as caught:
        known_history("price", before=PLANNED, now=NOW)
    assert caught.value.code == "SIGNALS_MISSING"
    assert known_history("carbon_intensity", before=PLANNED, now=NOW).end == PLANNED


@pytest.mark.parametrize("days", [0, 1, 13])
def test_less_than_two_weeks_is_an_error_and_no_guess(db, days):
    if days:
        planned.known_signals(days=days)
    with pytest.raises(MarketError) as caught:
        issue()
    assert (caught.value.code, bool(caught.value.fix)) == ("SIGNALS_MISSING", True)
    assert not Forecast.objects.exists()
