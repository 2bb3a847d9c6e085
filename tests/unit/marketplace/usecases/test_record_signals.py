"""A signal is stored with the moment it became known, and once."""

from __future__ import annotations

from datetime import timedelta

from flex_engine.quantities import Label
from flex_engine.series import HalfHourly
from marketplace.models import SignalPoint
from marketplace.usecases.record_signals import record_signals
from tests.unit.marketplace.usecases.market import HALF_HOUR, NOW, PLANNED

START = PLANNED - 4 * HALF_HOUR


def series(*values, source="a file"):
    return HalfHourly("price", START, tuple(values), "GBP/MWh", source, Label.MEASURED, NOW)


def test_values_are_known_from_now_on(db):
    assert record_signals(series=[series(80.0, 81.5)], now=NOW) == 2
    found = list(SignalPoint.objects.order_by("start_at").values_list("start_at", "value", "unit", "label", "known_at"))
    assert found == [
        (START, 80.0, "GBP/MWh", "MEASURED", NOW),
        (START + HALF_HOUR, 81.5, "GBP/MWh", "MEASURED", NOW),
    ]


def test_recorded_history_is_known_only_when_it_was_published(db):
    record_signals(series=[series(80.0, 81.5)], now=NOW, published_after=timedelta(minutes=10))
    known = list(SignalPoint.objects.order_by("start_at").values_list("known_at", flat=True))
    assert known == [START + timedelta(minutes=40), START + timedelta(minutes=70)]


def test_loading_the_same_file_again_adds_nothing(db):
    for expected in (2, 0):
        assert record_signals(series=[series(80.0, 81.5)], now=NOW, published_after=timedelta(0)) == expected


def test_a_long_source_is_cut_to_its_column(db):
    record_signals(series=[series(1.0, source="s" * 200)], now=NOW)
    assert len(SignalPoint.objects.get().source) == 80
