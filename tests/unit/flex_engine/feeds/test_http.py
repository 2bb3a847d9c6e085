"""GET JSON from a public API: what may pass is retried, everything else is a plain typed error."""

from __future__ import annotations

from datetime import timedelta

import pytest
import requests
import responses
import stamina

from flex_engine.feeds.http import (
    FeedPayloadError,
    FeedRefusedError,
    FeedUnavailableError,
    get_json,
    session,
)

URL = "https://feed.example/v1/values"


@pytest.fixture(autouse=True)
def no_waiting():
    stamina.set_testing(True, attempts=4)
    yield
    stamina.set_testing(False)


@responses.activate
def test_an_answer_comes_back_as_json_and_the_request_is_polite():
    responses.get(URL, json={"data": [1, 2]})
    assert get_json(session(), URL) == {"data": [1, 2]}
    sent = responses.calls[0].request.headers
    assert sent["Accept"] == "application/json"
    assert "Content-Type" not in sent, "the Carbon Intensity API answers 400 to a GET that has one"
    assert sent["User-Agent"].startswith("caco/")


@responses.activate
@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_what_may_pass_is_tried_again(status: int):
    responses.get(URL, status=status, body="busy")
    responses.get(URL, json={"ok": True})
    assert get_json(session(), URL) == {"ok": True}
    assert len(responses.calls) == 2


@responses.activate
def test_a_feed_that_stays_down_is_named():
    responses.get(URL, status=500, body='{"error":{"code":"500 Internal Server Error"}}')
    with pytest.raises(FeedUnavailableError, match=r"answered 500: .*Internal Server Error"):
        get_json(session(), URL)
    assert len(responses.calls) == 4


@responses.activate
def test_no_connection_is_named_and_retried():
    responses.get(URL, body=requests.ConnectionError("no route"))
    with pytest.raises(FeedUnavailableError, match=r"could not be read: ConnectionError\. Try again later"):
        get_json(session(), URL)
    assert len(responses.calls) == 4


@responses.activate
def test_a_long_retry_after_is_left_to_the_next_tick():
    responses.get(URL, status=429, headers={"Retry-After": "3600"})
    with pytest.raises(FeedUnavailableError) as caught:
        get_json(session(), URL)
    assert caught.value.wait == timedelta(hours=1)
    assert len(responses.calls) == 1


@responses.activate
@pytest.mark.parametrize("status", [301, 400, 404])
def test_a_refusal_is_not_repeated(status: int):
    responses.get(URL, status=status, body="Bad Request", headers={"Location": "https://elsewhere.example"})
    with pytest.raises(FeedRefusedError, match=f"answered {status}"):
        get_json(session(), URL)
    assert len(responses.calls) == 1


@responses.activate
@pytest.mark.parametrize("body", ["<html>maintenance</html>", "", '{"value": NaN}'])
def test_what_is_no_json_is_a_payload_error(body: str):
    responses.get(URL, body=body)
    with pytest.raises(FeedPayloadError, match="answered 200 with something that is not JSON"):
        get_json(session(), URL)


@responses.activate
def test_an_answer_too_large_is_cut_off():
    responses.get(URL, body="[" + "1," * 1000 + "1]")
    with pytest.raises(FeedPayloadError, match="more than 100 bytes"):
        get_json(session(), URL, max_bytes=100)
