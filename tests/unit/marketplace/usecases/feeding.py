"""Rounds of feeds as publishers would have answered them, without a network."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from flex_engine.feeds.archive import Answer
from flex_engine.feeds.catalogue import FEEDS
from flex_engine.feeds.collect import Round, read
from flex_engine.feeds.http import FeedError
from flex_engine.timegrid import HALF_HOUR, floor_half_hour
from marketplace.usecases.ingest_feed import Ingested, ingest_feed
from tests.unit.flex_engine.feeds.recorded import blocks, stamp


def took(feed: str, *payloads: Any, now: datetime, failure: FeedError | None = None, **about: Any) -> Ingested:
    """Take answers of `feed` in, as fetched at `now`."""
    taken = [
        read(FEEDS[feed], Answer(feed, "https://p.example/", about, now, json.dumps(one).encode())) for one in payloads
    ]
    return ingest_feed(feed=FEEDS[feed], found=Round(tuple(taken), failure), now=now)


def carbon(*values: Any, now: datetime, back: int = 8) -> Ingested:
    """National actuals of the half hours from `back` half hours before `now` on."""
    start = floor_half_hour(now) - back * HALF_HOUR
    asked: dict[str, Any] = {"from": stamp(start - HALF_HOUR), "to": stamp(floor_half_hour(now))}
    return took("carbon-intensity", blocks(*values, start=start - HALF_HOUR), now=now, **asked)


def ahead(*values: Any, now: datetime) -> Ingested:
    """The publisher's forecast of the half hours after `now`."""
    return took("carbon-forecast", blocks(*values, start=floor_half_hour(now) + HALF_HOUR, word="forecast"), now=now)
