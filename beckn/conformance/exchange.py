"""One HTTP exchange as raw as a bad case needs it: any method, headers that stand twice, bodies of any size; and its time."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

LARGEST_ANSWER = 1024 * 1024
JSON = ("Content-Type", "application/json")


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent: path below the target's URL, body, headers in order, and the message id inside, if there is one."""

    path: str
    raw: bytes
    headers: tuple[tuple[str, str], ...]
    message_id: str = ""
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; status 0 and the reason in `lost` when nothing did."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    lost: str = ""

    @property
    def told(self) -> dict[str, Any]:
        """The body as an object; empty when it is none."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


def exchange(base: str, request: Request, *, timeout_s: float) -> Answer:
    """Send and read. A connection that breaks is an answer too: status 0."""
    target = urlsplit(base)
    kind = HTTPSConnection if target.scheme == "https" else HTTPConnection
    connection = kind(target.netloc, timeout=timeout_s)
    begun = time.monotonic()
    try:
        connection.putrequest(request.method, f"{target.path.rstrip('/')}/{request.path}", skip_accept_encoding=True)
        for name, value in request.headers:
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(request.raw)))
        lost = transmit(connection, request.raw)
        told = connection.getresponse()
        headers = {name.lower(): value for name, value in told.getheaders()}
        return Answer(told.status, headers, told.read(LARGEST_ANSWER), time.monotonic() - begun, lost)
    except (OSError, HTTPException) as problem:
        return Answer(0, {}, b"", time.monotonic() - begun, str(problem) or type(problem).__name__)
    finally:
        connection.close()


def transmit(connection: HTTPConnection, raw: bytes) -> str:
    """Send the body; returns why not all of it went. Whoever refuses a long body may answer before it has read it."""
    connection.endheaders()
    try:
        connection.send(raw)
    except OSError as problem:
        return str(problem)
    return ""
