"""The grid agent asks what is due, over real HTTP; a feed that fails is said once, never filled in, and holds up no other."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
import stamina

from flex_engine.feeds import archive
from flex_engine.timegrid import floor_half_hour
from marketplace import clock
from marketplace.agents import grid
from marketplace.models import FeedState, SignalPoint
from marketplace.usecases import collect_feed as collecting
from tests.unit.flex_engine.feeds.publishers import publishers
from tests.unit.flex_engine.feeds.recorded import blocks
from tests.unit.marketplace.agents.conftest import decisions
from tests.unit.marketplace.usecases.market import HALF_HOUR, NOW

pytestmark = pytest.mark.django_db
CARBON = "api.carbonintensity.org.uk/intensity"


@pytest.fixture
def house(settings, tmp_path):
    """The publishers on localhost, and an installation that asks them for national carbon alone."""
    settings.FEEDS_LIVE, settings.FEEDS, settings.FEEDS_ARCHIVE = True, ["carbon-intensity"], str(tmp_path / "raw")
    stamina.set_testing(True, attempts=1)
    with publishers() as made:
        settings.FEEDS_MIRROR = made.url
        yield made
    stamina.set_testing(False)


def says(house, *values, now=NOW):
    house.say(CARBON, json.dumps(blocks(*values, start=floor_half_hour(now) - (len(values) + 1) * HALF_HOUR)).encode())


def test_feeds_that_are_off_or_on_a_simulated_clock_are_not_asked(house, settings, monkeypatch):
    monkeypatch.setattr(clock, "offset", lambda: timedelta(days=1))
    grid.tick()
    monkeypatch.undo()
    settings.FEEDS_LIVE = False
    grid.tick()
    assert house.asked == []


def test_the_first_tick_reaches_back_two_weeks_and_the_next_asks_again_only_when_due(house, at, settings):
    says(house, 90, 91)
    grid.tick()
    grid.tick()
    assert [path for path, _ in house.asked] == [
        f"/{CARBON}/2024-01-02T12:30Z/2024-01-16T12:30Z",
        f"/{CARBON}/2024-01-16T12:30Z/2024-01-16T13:00Z",
    ]
    says(house, 90, 91, 92, now=NOW + HALF_HOUR)
    at(NOW + HALF_HOUR)
    grid.tick()
    assert house.asked[-1][0] == f"/{CARBON}/2024-01-15T12:30Z/2024-01-16T13:30Z", "a day again, because values change"
    assert SignalPoint.objects.count() == 3
    assert [decided for decided, _ in decisions("grid")] == ["stored them", "stored them"]
    assert len(list(archive.answers(Path(settings.FEEDS_ARCHIVE)))) == 3


def test_a_feed_that_fails_is_said_once_and_nothing_is_made_up(house, at):
    house.say(CARBON, b'{"error": "down"}', status=503)
    for minutes in (0, 20, 40):
        at(NOW + timedelta(minutes=minutes))
        grid.tick()
    assert len(house.asked) == 3
    [(decided, why)] = decisions("grid")
    assert (decided, "answered 503" in why) == ("kept the last values", True)
    assert not SignalPoint.objects.exists()
    assert FeedState.objects.get().failing_since == NOW


def test_a_fault_of_ours_fails_one_feed_and_no_other(house, settings, monkeypatch, caplog):
    settings.FEEDS = ["carbon-intensity", "carbon-factors"]
    house.say(CARBON + "/factors", json.dumps({"data": [{"Wind": 0}]}).encode())
    real = collecting.collect

    def faulty(feed, *args, **kwargs):
        if feed.name == "carbon-intensity":
            raise ZeroDivisionError
        return real(feed, *args, **kwargs)

    monkeypatch.setattr(collecting, "collect", faulty)
    grid.tick()
    states = {state.name: state for state in FeedState.objects.all()}
    assert states["carbon-intensity"].failure_kind == "FAULT"
    assert "A fault in CACO, not at the publisher: ZeroDivisionError" in states["carbon-intensity"].failure
    assert states["carbon-factors"].succeeded_at == NOW
    assert "could not be read" in caplog.text
