"""From asking to values over real HTTP: keys stay out of what is kept, bad answers are set aside, the archive reads again."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta

import pytest
import stamina

from flex_engine.feeds import archive
from flex_engine.feeds.catalogue import FEEDS
from flex_engine.feeds.collect import collect, read
from flex_engine.feeds.feed import Places
from flex_engine.feeds.gateway import FeedKeyMissingError, Gateway
from flex_engine.feeds.http import FeedRefusedError, FeedUnavailableError, session
from flex_engine.feeds.rates import Bucket, Rates
from flex_engine.timegrid import HALF_HOUR
from tests.unit.flex_engine.feeds.publishers import publishers
from tests.unit.flex_engine.feeds.recorded import blocks, moment, raw

NOW = moment("2024-03-31T12:10")
CARBON, ELEXON = "api.carbonintensity.org.uk", "data.elexon.co.uk"


@pytest.fixture(autouse=True)
def no_waiting():
    stamina.set_testing(True, attempts=2)
    yield
    stamina.set_testing(False)


@pytest.fixture
def house():
    with publishers() as made:
        yield made


@pytest.fixture
def gateway(house, tmp_path):
    with session() as made:
        yield Gateway(made, mirror=house.url, folder=tmp_path / "raw", rates=Rates(pause=lambda _: None))


def gather(gateway, name, *, back=timedelta(hours=6), now=NOW):
    return collect(FEEDS[name], gateway, since=now - back, now=now, places=Places())


def test_recorded_answers_are_read_archived_and_read_again_alike(house, gateway):
    body = raw("rebuilt_elexon_system_prices_2024-03-31_46sp.json")
    house.say(f"{ELEXON}/bmrs/api/v1/balancing/settlement/system-prices/2024-03-31", body)
    live = gather(gateway, "system-price")
    assert (live.failure, len(live.taken[0].reading.values)) == (None, 50)
    assert "has not begun" in live.taken[0].reading.set_aside[0].why, "half hours after now are no facts"
    files = list(archive.answers(gateway.folder))
    assert [file.parent.name for file in files] == ["2024-03-31"]
    assert read(FEEDS["system-price"], archive.opened(files[0])) == live.taken[0]
    assert "Content-Type" not in house.asked[0][1], "the Carbon Intensity API answers 400 to a GET that has one"


@pytest.mark.parametrize(
    ("file", "status", "error"),
    [("real_ci_error_400_region.json", 400, FeedRefusedError), ("real_ci_error_500.json", 500, FeedUnavailableError)],
)
def test_recorded_errors_end_the_round_in_words(house, gateway, file, status, error):
    house.say(CARBON, raw(file), status=status)
    found = gather(gateway, "carbon-intensity")
    assert isinstance(found.failure, error)
    assert f"answered {status}" in str(found.failure)
    assert found.taken == ()


def test_a_host_that_failed_is_not_asked_again_in_the_same_round_of_feeds(house, gateway):
    house.say(CARBON, b"busy", status=503)
    gather(gateway, "carbon-intensity")
    asked = len(house.asked)
    assert "was not asked again" in str(gather(gateway, "carbon-forecast").failure)
    assert len(house.asked) == asked


@pytest.mark.parametrize(
    ("body", "headers", "sentence"),
    [
        (b"<html>We are down for maintenance</html>", {}, "not JSON: <html>We are down"),
        (json.dumps(blocks(9, start=NOW))[:-9].encode(), {}, "not JSON"),
        (b"[" * 100_000, {}, "not JSON"),
        (b"\xff\xfe\x00", {}, "not JSON"),
        (raw("real_ci_200_empty_object.json"), {}, "without a data list: {}"),
    ],
)
def test_an_answer_that_is_not_what_was_promised_is_set_aside_whole(house, gateway, body, headers, sentence):
    house.say(CARBON, body, **headers)
    found = gather(gateway, "carbon-intensity")
    assert found.failure is None
    assert sentence in found.taken[0].reading.set_aside[0].why
    assert found.taken[0].reading.values == ()


def test_a_cut_compressed_answer_is_no_answer(house, gateway):
    house.say(CARBON, gzip.compress(json.dumps(blocks(9, start=NOW)).encode())[:40], Content_Encoding="gzip")
    found = gather(gateway, "carbon-intensity")
    assert found.taken[0].reading.set_aside if found.taken else isinstance(found.failure, FeedUnavailableError)


def test_a_key_goes_to_the_publisher_and_nowhere_else(house, gateway):
    gateway.keys = {"CACO_ENTSOE_KEY": "s3cret", "CACO_MET_OFFICE_KEY": "s3cret"}
    house.say("web-api.tp.entsoe.eu/api", raw("real_entsoe_a11_flow_GB_to_DK1_2023-12-20.xml"))
    house.say("data.hub.api.metoffice.gov.uk", b"down", status=500)
    flows, weather = gather(gateway, "entsoe-flows"), gather(gateway, "met-office")
    assert all("securityToken=s3cret" in path for path, _ in house.asked if "entsoe" in path)
    assert house.asked[-1][1]["apikey"] == "s3cret"
    kept = b"".join(gzip.decompress(file.read_bytes()) for file in archive.answers(gateway.folder))
    assert b"s3cret" not in kept
    assert "s3cret" not in f"{flows} {weather}"
    gateway.mirror = "http://127.0.0.1:9"
    gateway.down.clear()
    assert "s3cret" not in f"{gather(gateway, 'entsoe-flows')!r}"


def test_a_feed_without_its_key_says_which(gateway):
    found = gather(gateway, "met-office")
    assert isinstance(found.failure, FeedKeyMissingError)
    assert str(found.failure) == "Met Office Weather DataHub wants a key: set CACO_MET_OFFICE_KEY."


def test_what_was_taken_before_a_failure_stands(house, gateway):
    house.say(
        f"{ELEXON}/bmrs/api/v1/balancing/settlement/system-prices/2024-03-31",
        raw("rebuilt_elexon_system_prices_2024-03-31_46sp.json"),
    )
    found = gather(gateway, "system-price", now=moment("2024-04-01T03:00"), back=timedelta(hours=12))
    assert len(found.taken) == 1
    assert "answered 404" in str(found.failure)


def test_a_changed_or_broken_archive_file_is_refused(house, gateway):
    house.say(CARBON, json.dumps(blocks(90, start=NOW - 4 * HALF_HOUR)).encode())
    gather(gateway, "carbon-intensity")
    file = next(archive.answers(gateway.folder))
    told = json.loads(gzip.decompress(file.read_bytes()))
    file.write_bytes(gzip.compress(json.dumps(told | {"body": "e30="}).encode()))
    with pytest.raises(archive.UnreadableArchiveError, match="was changed"):
        archive.opened(file)
    file.write_bytes(b"not gzip")
    with pytest.raises(archive.UnreadableArchiveError, match="is not an archived answer"):
        archive.opened(file)
    assert archive.prune(gateway.folder, today=NOW.date() + timedelta(days=400), keep_days=399) == ["2024-03-31"]
    assert list(archive.answers(gateway.folder)) == []


def test_a_bucket_lets_a_burst_through_and_then_one_at_a_time():
    clock = [0.0]

    def pause(seconds: float) -> None:
        waits.append(seconds)
        clock[0] += seconds

    waits: list[float] = []
    bucket = Bucket(30.0, 2, clock=lambda: clock[0], pause=pause)
    assert [bucket.take() for _ in range(4)] == [0, 0, 30, 30]
    clock[0] += 45
    assert [bucket.take(), bucket.take()] == [0, 15]
    assert waits == [30, 30, 15]
    rates = Rates(pause=pause, clock=lambda: clock[0])
    assert [rates.take("https://api.neso.energy/a") for _ in range(3)] == [0, 0, 30]
    assert rates.take("https://data.elexon.co.uk/b") == 0, "each host has its own"
