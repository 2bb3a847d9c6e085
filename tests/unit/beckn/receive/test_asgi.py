from __future__ import annotations

import asyncio
from typing import Any

import pytest

from beckn import keys
from beckn.receive import application, asgi, door

SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/beckn/bpp/confirm",
    "headers": [(b"content-type", b"application/json")],
}


def answered(scope: dict[str, Any], *events: dict[str, Any]) -> tuple[int, bytes]:
    """The status and body for a request whose body comes as `events`, and then nothing more."""
    sent: list[dict[str, Any]] = []
    waiting = list(events)

    async def receive() -> dict[str, Any]:
        if not waiting:
            await asyncio.sleep(3600)
        return waiting.pop(0)

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    asyncio.run(application(scope, receive, send))
    return sent[0]["status"], sent[1]["body"]


def test_a_body_that_never_ends_and_a_client_that_hangs_up_are_let_go(monkeypatch):
    monkeypatch.setattr(asgi, "BODY_WITHIN_S", 0.05)
    begun = {"type": "http.request", "body": b"{", "more_body": True}
    assert answered(SCOPE, begun)[0] == 408
    assert answered(SCOPE, begun, {"type": "http.disconnect"})[0] == 408


def test_an_installation_without_keys_says_so(settings, tmp_path, caplog):
    settings.BECKN_KEY_DIR = tmp_path
    status, told = answered(SCOPE, {"type": "http.request", "body": b"{}"})
    assert (status, b"no signing key" in told) == (503, True)
    assert "beckn_keygen" in caplog.text


def test_a_fault_of_ours_acknowledges_nothing_and_is_logged(monkeypatch, settings, tmp_path, caplog):
    settings.BECKN_KEY_DIR = tmp_path
    keys.make("bpp")

    async def broken(*_: Any, **__: Any) -> bytes:
        raise RuntimeError("a bug")

    monkeypatch.setattr(door, "accept", broken)
    status, told = answered(SCOPE, {"type": "http.request", "body": b"{}"})
    assert (status, b"a bug" in told) == (500, False)
    assert "a bug" in caplog.text


@pytest.mark.parametrize("chunks", [[b"abc"], [b"a", b"b", b"c"], [b"", b"abc"]])
def test_chunks_are_joined_up_to_the_limit(chunks):
    events = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    events[-1]["more_body"] = False

    async def receive() -> dict[str, Any]:
        return events.pop(0)

    kept = list(events)
    assert asyncio.run(asgi.read_body(receive, limit=3)) == b"abc"
    events[:] = kept
    with pytest.raises(asgi.TooLargeError):
        asyncio.run(asgi.read_body(receive, limit=2))


def test_lifespan_is_answered():
    sent: list[str] = []
    events = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> dict[str, Any]:
        return events.pop(0)

    async def send(event: dict[str, Any]) -> None:
        sent.append(event["type"])

    asyncio.run(application({"type": "lifespan"}, receive, send))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
