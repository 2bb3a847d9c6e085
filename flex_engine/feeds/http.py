"""One careful way to GET JSON from a public API: timeouts, retries with backoff, a size cap and plain typed errors.

It knows no API; each source has its own file. The session comes from outside, so tests and callers decide what it reaches.
Errors, all FeedError: Unavailable (try again later), Refused (our request is wrong), Payload (the answer is not what the
publisher documents), Gap (the publisher has no value for half hours asked for).
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import requests
import stamina

CONNECT_S, READ_S = 5.0, 20.0
ATTEMPTS = 4
IN_ALL = timedelta(seconds=90)
LONGEST_WAIT = timedelta(seconds=30)  # a longer Retry-After is not waited for: the next tick asks again
MAX_BYTES = 8 * 1024 * 1024  # the largest answer we ask for (14 days, 672 half hours) is 0.1 MB
USER_AGENT = "caco/0.1 (carbon-aware compute; half-hourly reads)"


class FeedError(Exception):
    """A feed gave no usable values; the message says which, why and what to do."""


class FeedUnavailableError(FeedError):
    """The publisher cannot be reached, is overloaded or failed (timeout, 429, 5xx), after retries."""

    def __init__(self, message: str, *, wait: timedelta | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class FeedRefusedError(FeedError):
    """The publisher refused the request (3xx or 4xx): asking again unchanged will not help."""


class FeedPayloadError(FeedError):
    """The publisher answered 200 with something that is not the documented shape."""


class FeedGapError(FeedError):
    """The publisher has no value for half hours that were asked for."""


def session() -> requests.Session:
    """A session for read-only JSON APIs. No Content-Type: the Carbon Intensity API answers 400 to a GET that has one."""
    made = requests.Session()
    made.headers.update({"Accept": "application/json", "User-Agent": USER_AGENT})
    return made


def get_json(session: requests.Session, url: str, *, max_bytes: int = MAX_BYTES) -> Any:
    """The parsed JSON at `url`. Retries what may pass by itself; raises a FeedError otherwise."""
    for attempt in stamina.retry_context(
        on=_wait_before_retry, attempts=ATTEMPTS, timeout=IN_ALL, wait_initial=0.5, wait_max=10.0
    ):
        with attempt:
            return _once(session, url, max_bytes)
    raise AssertionError("stamina either returns or raises")


def _wait_before_retry(problem: Exception) -> bool | timedelta:
    if not isinstance(problem, FeedUnavailableError):
        return False
    if problem.wait is None:
        return True
    return problem.wait if problem.wait <= LONGEST_WAIT else False


def _once(session: requests.Session, url: str, max_bytes: int) -> Any:
    try:
        with session.get(url, timeout=(CONNECT_S, READ_S), stream=True, allow_redirects=False) as response:
            body = _bounded(response, url, max_bytes)
    except requests.RequestException as problem:
        raise FeedUnavailableError(f"{url} could not be read: {type(problem).__name__}. Try again later.") from problem
    said = body[:200].decode("utf-8", "replace")
    if response.status_code == 429 or response.status_code >= 500:
        raise FeedUnavailableError(
            f"{url} answered {response.status_code}: {said}", wait=_retry_after(response.headers.get("Retry-After"))
        )
    if response.status_code != 200:
        raise FeedRefusedError(f"{url} answered {response.status_code}: {said}")
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except ValueError as problem:
        raise FeedPayloadError(f"{url} answered 200 with something that is not JSON: {said}") from problem


def _bounded(response: requests.Response, url: str, max_bytes: int) -> bytes:
    # counted after decompression, so that a small compressed answer cannot fill the memory
    body = bytearray()
    for chunk in response.iter_content(64 * 1024):
        body += chunk
        if len(body) > max_bytes:
            raise FeedPayloadError(f"{url} answered with more than {max_bytes} bytes")
    return bytes(body)


def _retry_after(text: str | None) -> timedelta | None:
    return timedelta(seconds=int(text)) if text and text.isdigit() and len(text) < 6 else None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
