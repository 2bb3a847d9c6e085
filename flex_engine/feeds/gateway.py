"""The one door through which feeds reach their publishers: rate, key, mirror, archive, and a host that just failed.

It adds a feed's key to the request after everything that is kept or shown was noted, and asks a host that did not answer
no further for the rest of its life (one round of collecting): ten feeds of one publisher need not fail ten times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import requests

from flex_engine.feeds import archive
from flex_engine.feeds.feed import Ask, Feed
from flex_engine.feeds.http import FeedError, FeedUnavailableError, get_body
from flex_engine.feeds.rates import Rates


class FeedKeyMissingError(FeedError):
    """The publisher wants a key and the installation has none; the message names the setting."""


@dataclass(slots=True)
class Gateway:
    """`mirror` replaces every publisher: MIRROR/publisher.host/path. `folder` is the raw archive; None keeps nothing."""

    session: requests.Session
    keys: Mapping[str, str] = field(default_factory=dict)
    mirror: str = ""
    folder: Path | None = None
    rates: Rates = field(default_factory=Rates)
    down: dict[str, str] = field(default_factory=dict)
    kept: int = 0

    def get(self, feed: Feed, ask: Ask, now: datetime) -> archive.Answer:
        """The answer to `ask`, archived. Raises a FeedError."""
        host = urlsplit(ask.url).hostname or ""
        if host in self.down:
            raise FeedUnavailableError(f"{host} was not asked again: {self.down[host]}")
        headers, secret = self._key(feed)
        self.rates.take(ask.url)
        try:
            body = get_body(self.session, self._address(ask.url), headers=headers, secret=secret)
        except FeedUnavailableError as problem:
            self.down[host] = str(problem)
            raise
        answer = archive.Answer(feed.name, ask.url, ask.about, now, body)
        if self.folder is not None:
            archive.keep(self.folder, answer, number=self.kept)
            self.kept += 1
        return answer

    def _key(self, feed: Feed) -> tuple[dict[str, str], dict[str, str]]:
        if feed.key is None:
            return {}, {}
        value = self.keys.get(feed.key.setting, "")
        if not value:
            raise FeedKeyMissingError(f"{feed.publisher} wants a key: set {feed.key.setting}.")
        placed = {feed.key.name: value}
        return (placed, {}) if feed.key.where == "header" else ({}, placed)

    def _address(self, url: str) -> str:
        if not self.mirror:
            return url
        parts = urlsplit(url)
        query = f"?{parts.query}" if parts.query else ""
        return f"{self.mirror.rstrip('/')}/{parts.hostname}{parts.path}{query}"
