"""manage.py feeds: in words and by its exit status what can be read, and an archive taken in again to the same rows."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
import stamina
from django.core.management import call_command
from django.core.management.base import CommandError

from flex_engine.timegrid import HALF_HOUR, floor_half_hour
from marketplace import clock
from marketplace.models import FeedQuarantine, FeedState, Forecast, SignalPoint
from tests.unit.flex_engine.feeds.publishers import publishers
from tests.unit.flex_engine.feeds.recorded import blocks, raw
from tests.unit.marketplace.usecases.market import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def house(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    settings.FEEDS_ARCHIVE = str(tmp_path / "raw")
    stamina.set_testing(True, attempts=1)
    with publishers() as made:
        settings.FEEDS_MIRROR = made.url
        yield made
    stamina.set_testing(False)


def feeds(*args: str) -> str:
    out = io.StringIO()
    call_command("feeds", *args, stdout=out)
    return out.getvalue()


def rows() -> list[list[object]]:
    signals = SignalPoint.objects.order_by("series", "start_at", "known_at").values_list(
        "series", "start_at", "value", "known_at"
    )
    issues = Forecast.objects.order_by("series", "start_at").values_list(
        "series", "issued_at", "known_at", "start_at", "p50", "inputs_digest"
    )
    return [
        list(signals),
        list(issues),
        list(FeedQuarantine.objects.order_by("digest").values_list("digest", "answer_sha256")),
    ]


def standing() -> list[Any]:
    return list(FeedState.objects.order_by("pk").values())


def test_live_says_of_each_feed_what_came_and_fails_when_one_did_not(house):
    start = floor_half_hour(NOW) - 4 * HALF_HOUR
    house.say("api.carbonintensity.org.uk/intensity", json.dumps(blocks(90, 91, 5000, start=start)).encode())
    house.say("data.elexon.co.uk", b"no", status=500)
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 of 3 feeds could not be read: system-price"):
        call_command("feeds", "--live", "--only", "carbon-intensity", "system-price", "met-office", stdout=out)
    said = out.getvalue()
    assert "carbon-intensity: 2 new values, 0 new forecasts, 1 rows set aside" in said
    assert (
        f"system-price: FAILED, {house.url}/data.elexon.co.uk/bmrs/api/v1/balancing/settlement/system-prices/2024-01-02"
        in said
    )
    assert "met-office: left out, Met Office Weather DataHub wants a key (set CACO_MET_OFFICE_KEY)" in said
    assert "1 read, 1 failed, 1 left out for want of a key" in said


def test_without_a_network_every_feed_says_so(settings):
    settings.FEEDS_MIRROR = "http://127.0.0.1:9"
    out = io.StringIO()
    with pytest.raises(CommandError, match="16 of 18 feeds could not be read"):
        call_command("feeds", "--live", stdout=out)
    lines = out.getvalue().splitlines()
    assert sum("could not be read: ConnectionError" in line or "was not asked again" in line for line in lines) == 16
    assert FeedState.objects.filter(failure_kind="UNAVAILABLE").count() == 16
    assert "carbon-intensity     OFF" in feeds(), "live feeds are off in settings"


def test_an_archive_taken_in_again_gives_the_same_rows_as_live_did(house, settings):
    start = floor_half_hour(NOW) - 4 * HALF_HOUR
    house.say("api.carbonintensity.org.uk/intensity", json.dumps(blocks(90, 91, 5000, start=start)).encode())
    house.say(
        "api.carbonintensity.org.uk/intensity/2024-01-16T13:00Z/fw48h",
        json.dumps(blocks(70, 71, start=start + 7 * HALF_HOUR, word="forecast")).encode(),
    )
    assert "1 new forecasts" in feeds("--live", "--only", "carbon-intensity", "carbon-forecast")
    live, states, seen = rows(), standing(), list(FeedQuarantine.objects.values_list("times", "last_at"))
    assert [len(part) for part in live] == [2, 1, 1]
    assert "3 answers, 0 values, 0 forecasts, 0 set aside" in feeds("--replay", settings.FEEDS_ARCHIVE), (
        "once is enough"
    )
    assert standing() == states, "an old answer says nothing of how a feed is now"
    assert list(FeedQuarantine.objects.values_list("times", "last_at")) == seen
    for model in (SignalPoint, Forecast, FeedQuarantine, FeedState):
        model.objects.all().delete()
    assert "3 answers, 2 values, 1 forecasts, 1 set aside" in feeds("--replay", settings.FEEDS_ARCHIVE)
    assert rows() == live


def test_what_cannot_be_done_is_said(house, settings, monkeypatch, tmp_path):
    with pytest.raises(CommandError, match="There is no feed 'weather'"):
        feeds("--live", "--only", "weather")
    with pytest.raises(CommandError, match="is not a folder of raw answers"):
        feeds("--replay", str(tmp_path / "nowhere"))
    (tmp_path / "2024-01-16").mkdir()
    (tmp_path / "2024-01-16" / "x-120000.000000-abc.json.gz").write_bytes(raw("real_ci_200_empty_object.json"))
    with pytest.raises(CommandError, match="1 files of the archive could not be read"):
        feeds("--replay", str(tmp_path))
    monkeypatch.setattr(clock, "offset", lambda: timedelta(days=1))
    with pytest.raises(CommandError, match="The market's clock is simulated"):
        feeds("--live")
