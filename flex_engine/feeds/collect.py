"""Collect one feed: ask, keep the raw answer, read it; or read an archived answer again.

What could not be read is set aside whole, by the hash of its bytes, and the other answers stand.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element

from flex_engine.feeds.archive import Answer
from flex_engine.feeds.feed import Feed, Places
from flex_engine.feeds.gateway import Gateway
from flex_engine.feeds.http import FeedError, FeedPayloadError, json_of
from flex_engine.feeds.reading import LONGEST_SAID, Reading, SetAside, quoted
from flex_engine.feeds.xml import xml_of


@dataclass(frozen=True, slots=True)
class Taken:
    """One answer and what it was read into."""

    url: str
    sha256: str
    fetched_at: datetime
    reading: Reading


@dataclass(frozen=True, slots=True)
class Round:
    """One round of one feed. `failure` says why it ended early; what was taken before it stands."""

    taken: tuple[Taken, ...]
    failure: FeedError | None = None


def collect(feed: Feed, gateway: Gateway, *, since: datetime, now: datetime, places: Places) -> Round:
    """Ask for everything in `feed` from `since` to `now`. Never raises a FeedError: it is in the round."""
    taken: list[Taken] = []
    for ask in feed.asks(since, now, places):
        try:
            taken.append(read(feed, gateway.get(feed, ask, now)))
        except FeedError as problem:
            return Round(tuple(taken), problem)
    return Round(tuple(taken))


def read(feed: Feed, answer: Answer) -> Taken:
    """Read one answer with its feed's reader, as at the moment it was fetched."""
    try:
        reading = feed.read(parsed(feed, answer), answer.about, answer.fetched_at)
    except FeedPayloadError as problem:
        said = quoted(answer.body[:LONGEST_SAID].decode("utf-8", "replace"))
        reading = Reading(set_aside=(SetAside("the whole answer", said, quoted(problem)),))
    return Taken(answer.url, answer.sha256, answer.fetched_at, reading)


def parsed(feed: Feed, answer: Answer) -> Any | Element:
    """The body as JSON or XML, as the feed documents it. Raises FeedPayloadError."""
    return json_of(answer.body, answer.url) if feed.body == "json" else xml_of(answer.body, answer.url)
