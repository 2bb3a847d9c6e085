"""The yardstick: an ASGI application that only verifies. No JSON, no checks, no database; the same server and signature code.

What CACO's receive path costs beyond it is what parsing, checking, storing and signing back cost.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

from beckn.wire import signing
from beckn.wire.signing import Signer
from benchmarks.beckn_house import BUYER

PUBLIC_KEY = Signer.of(BUYER, "load-1", bytes.fromhex(os.environ["LOAD_SEED"])).public_key
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"16")]


async def application(
    scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Callable[[Any], Awaitable[None]]
) -> None:
    """200 for a signature that holds, else 401."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    raw, more = b"", True
    while more:
        event = await receive()
        raw, more = raw + event.get("body", b""), event.get("more_body", False)
    header = next((value for name, value in scope["headers"] if name == b"authorization"), b"").decode()
    status = 200 if verified(header, raw) else 401
    await send({"type": "http.response.start", "status": status, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b'{"status":"ACK"}'})


def verified(header: str, raw: bytes) -> bool:
    """Whether the buyer signed these bytes."""
    if not header:
        return False
    found = signing.parse(header)
    return signing.holds(found.value, signing.signing_string(raw, found.created, found.expires), PUBLIC_KEY)
