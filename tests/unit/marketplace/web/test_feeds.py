"""The feeds page: off, waiting, fresh, stale, failed and without a key are told apart, in words, and home says what needs a look."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from flex_engine.feeds.gateway import FeedKeyMissingError
from flex_engine.feeds.http import FeedUnavailableError
from marketplace.models import User
from tests.unit.marketplace.usecases.feeding import ahead, carbon, took
from tests.unit.marketplace.web.reading import read
from tests.unit.marketplace.web.world import NOW, World

SignedIn = Callable[[User], Client]


def shown(client: Client, title: str) -> str:
    """The row of the publishers' table whose feed begins with `title`."""
    rows = [row.text for row in read(client.get(reverse("feeds"))).all("tr")]
    return next(row for row in rows if row.startswith(title))


def test_feeds_that_are_off_say_so(world: World, signed_in: SignedIn) -> None:
    answer = read(signed_in(world.viewer).get(reverse("feeds")))
    assert answer.faults() == []
    assert "Live feeds are off in this installation" in answer.text
    assert "Nothing was set aside." in answer.text
    assert "ridge 1" in answer.text, "the forecasts in the store"


def test_every_state_is_told_apart(world: World, signed_in: SignedIn, settings) -> None:
    settings.FEEDS_LIVE = True
    carbon(90, 9999, 91, 92, now=NOW, back=4)
    ahead(50, 51, now=NOW - timedelta(hours=3))
    took("fuel-mix", {"data": []}, now=NOW)
    took("system-price", now=NOW, failure=FeedUnavailableError("data.elexon.co.uk could not be read: ConnectTimeout."))
    took("met-office", now=NOW, failure=FeedKeyMissingError("It wants a key: set CACO_MET_OFFICE_KEY."))
    client = signed_in(world.operator)
    assert "Fresh" in shown(client, "Carbon intensity, national")
    assert "1 in 7 days" in shown(client, "Carbon intensity, national")
    assert "Stale" in shown(client, "Carbon intensity forecast, national")
    assert "its newest issue is older than it should be" in shown(client, "Carbon intensity forecast, national")
    assert "Stale" in shown(client, "Generation by fuel"), "an answer without a value is no value"
    failed = shown(client, "System price")
    assert "Failed" in failed
    assert "ConnectTimeout" in failed
    assert "never" in failed
    assert "No key" in shown(client, "Weather forecast")
    assert "Waiting" in shown(client, "Octopus Agile")
    page = read(client.get(reverse("feeds")))
    assert page.faults() == []
    assert "carbon intensity 9999 gCO2e/kWh is not within 0 to 1000" in page.text
    for person in (world.operator, world.grid):
        home = read(signed_in(person).get("/")).text
        assert "System price and imbalance volume cannot be read" in home
        assert "1 row of Carbon intensity, national cannot be right and was set aside" in home
        assert "CACO_MET_OFFICE_KEY" not in home, "a key that nobody set is no trouble"


@pytest.mark.parametrize("said", ["<script>alert(1)</script>", "\x00\x1b[31m"])
def test_what_a_publisher_sent_is_shown_as_text(world: World, signed_in: SignedIn, said: str) -> None:
    carbon(said, now=NOW)
    body = signed_in(world.operator).get(reverse("feeds")).content.decode()
    assert "<script>alert" not in body
    assert "\x1b" not in body
