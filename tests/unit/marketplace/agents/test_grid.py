"""The grid agent fetches what is missing; a feed that fails is said once and never filled in."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from flex_engine.feeds.http import FeedError
from flex_engine.quantities import Label
from flex_engine.series import HalfHourly
from marketplace.agents import grid
from marketplace.models import SignalPoint
from tests.unit.marketplace.agents.conftest import decisions
from tests.unit.marketplace.usecases.market import HALF_HOUR, NOW, PLANNED


@pytest.fixture
def feed(monkeypatch, settings):
    """One feed, of prices, whose answer the test gives; it notes what it was asked for."""
    settings.FEEDS_LIVE = True
    asked = []

    def fetch(_, start, end, now):
        asked.append((start, end))
        if isinstance(made.answer, Exception):
            raise made.answer
        slots = int((end - start) / HALF_HOUR)
        return HalfHourly("price", start, (80.0,) * slots, "GBP/MWh", "a feed", Label.MEASURED, now)

    made = SimpleNamespace(fetch=fetch, asked=asked, answer=None)
    monkeypatch.setattr(grid, "FEEDS", {"price": made})
    return made


def test_feeds_that_are_off_are_not_asked(db, feed, settings):
    settings.FEEDS_LIVE = False
    grid.tick()
    assert feed.asked == []


def test_the_first_tick_fetches_two_weeks_and_the_next_only_what_is_new(db, feed, at):
    grid.tick()
    at(NOW + HALF_HOUR)
    grid.tick()
    grid.tick()
    assert feed.asked == [(PLANNED - timedelta(days=14), PLANNED), (PLANNED, PLANNED + HALF_HOUR)]
    assert SignalPoint.objects.count() == 14 * 48 + 1
    assert [decided for decided, _ in decisions("grid")] == ["stored them", "stored them"]


def test_a_feed_that_fails_is_said_once_and_nothing_is_made_up(db, feed):
    feed.answer = FeedError("503 from the feed")
    grid.tick()
    grid.tick()
    assert decisions("grid") == [("kept the last values", "503 from the feed")]
    assert not SignalPoint.objects.exists()


def test_what_was_simulated_does_not_hide_a_missing_measurement(db, feed):
    SignalPoint.objects.create(
        series="price", start_at=PLANNED - HALF_HOUR, value=1, unit="GBP/MWh", source="synthetic", label="SIMULATED",
        known_at=NOW,
    )  # fmt: skip
    grid.tick()
    assert feed.asked == [(PLANNED - timedelta(days=14), PLANNED)]
