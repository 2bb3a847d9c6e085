"""One careful way to GET from a public API: timeouts, retries with backoff, a size cap and plain typed errors.

It knows no API; each source has its own file. The session comes from outside, so tests and callers decide what it reaches.
What is secret in a request (headers, key parameters) is handed over apart and never stands in an error.
Errors, all FeedError: Unavailable (try again later), Refused (our request is wrong), Payload (the answer is not what the
publisher documents).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson
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


def session() -> requests.Session:
    """A session for read-only JSON APIs. No Content-Type: the Carbon Intensity API answers 400 to a GET that has one."""
    made = requests.Session()
    made.headers.update({"Accept": "application/json", "User-Agent": USER_AGENT})
    return made


def get_json(session: requests.Session, url: str, *, max_bytes: int = MAX_BYTES) -> Any:
    """The parsed JSON at `url`. Retries what may pass by itself; raises a FeedError otherwise."""
    return json_of(get_body(session, url, max_bytes=max_bytes), url)


def get_body(
    session: requests.Session,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    secret: Mapping[str, str] | None = None,
    max_bytes: int = MAX_BYTES,
) -> bytes:
    """The bytes of a 200 answer. `secret` parameters are added to the query. Retries what may pass; raises a FeedError."""
    for attempt in stamina.retry_context(
        on=_wait_before_retry, attempts=ATTEMPTS, timeout=IN_ALL, wait_initial=0.5, wait_max=10.0
    ):
        with attempt:
            return _once(session, url, dict(headers or {}), dict(secret or {}), max_bytes)
    raise AssertionError("stamina either returns or raises")


def json_of(body: bytes, url: str) -> Any:
    """`body` as strict JSON: no NaN, and nothing nested so deep that reading it would take the process with it.

    Raises FeedPayloadError for anything else.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as problem:
        said = body[:200].decode("utf-8", "replace")
        raise FeedPayloadError(f"{url} answered 200 with something that is not JSON: {said}") from problem


def _wait_before_retry(problem: Exception) -> bool | timedelta:
    if not isinstance(problem, FeedUnavailableError):
        return False
    if problem.wait is None:
        return True
    return problem.wait if problem.wait <= LONGEST_WAIT else False


def _once(
    session: requests.Session, url: str, headers: dict[str, str], secret: dict[str, str], max_bytes: int
) -> bytes:
    try:
        with session.get(
            url,
            headers=headers,
            params=secret,
            timeout=(CONNECT_S, READ_S),
            stream=True,
            allow_redirects=False,
        ) as response:
            body = _bounded(response, url, max_bytes)
    except requests.RequestException as problem:
        # the exception's own words repeat the whole address, with the key in it
        raise FeedUnavailableError(f"{url} could not be read: {type(problem).__name__}. Try again later.") from None
    said = body[:200].decode("utf-8", "replace")
    if response.status_code == 429 or response.status_code >= 500:
        raise FeedUnavailableError(
            f"{url} answered {response.status_code}: {said}", wait=_retry_after(response.headers.get("Retry-After"))
        )
    if response.status_code != 200:
        raise FeedRefusedError(f"{url} answered {response.status_code}: {said}")
    return body


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
