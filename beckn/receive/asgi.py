"""HTTP as this door needs it: a bounded body, single headers, and an answer. It knows nothing of messages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
BODY_WITHIN_S = 10.0


class TooLargeError(Exception):
    """The body is longer than allowed."""


class GoneError(Exception):
    """The client hung up, or sent too slowly."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and the headers beyond Content-Type and Content-Length."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


def problem(status: int, detail: str, **headers: str) -> Answer:
    """A refusal before there is a message to refuse: problem+json (RFC 9457)."""
    told = {"type": "about:blank", "status": status, "detail": detail}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps(told).encode(), named, "application/problem+json")


def header(scope: Scope, name: bytes) -> str:
    """The only value of a header, "" when it is not there. Raises ValueError when it is there more than once."""
    found = [value for key, value in scope["headers"] if key == name]
    if len(found) > 1:
        raise ValueError(f"the header {name.decode()} stands {len(found)} times")
    return found[0].decode("latin-1").strip() if found else ""


async def read_body(receive: Receive, *, limit: int) -> bytes:
    """The whole body. Raises TooLargeError past `limit` bytes, GoneError when it does not come within BODY_WITHIN_S."""
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            return await collect(receive, limit)
    except TimeoutError as late:
        raise GoneError from late


async def collect(receive: Receive, limit: int) -> bytes:
    """Chunks until the last, counted as they come."""
    chunks: list[bytes] = []
    size = 0
    while True:
        event = await receive()
        if event["type"] != "http.request":
            raise GoneError
        chunk = event.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise TooLargeError
        chunks.append(chunk)
        if not event.get("more_body"):
            return b"".join(chunks) if len(chunks) > 1 else chunk


async def write(send: Send, answer: Answer) -> None:
    """Send the answer."""
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        *((name.lower().encode(), value.encode()) for name, value in answer.headers.items()),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
