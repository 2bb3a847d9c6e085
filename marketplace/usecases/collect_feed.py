"""Ask one feed's publisher for what is new since the last time and take it in. The only use case that reaches publishers.

A fault of ours in one feed is written to the log and into that feed's state, and holds up no other.
"""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

import requests
from django.conf import settings

from flex_engine.feeds.collect import Round, collect
from flex_engine.feeds.feed import Feed, Places
from flex_engine.feeds.gateway import Gateway
from flex_engine.feeds.http import FeedError
from marketplace.models import FeedState
from marketplace.usecases.ingest_feed import Ingested, ingest_feed

log = logging.getLogger(__name__)


def collect_feed(*, feed: Feed, door: Gateway, now: datetime) -> Ingested:
    """One round of `feed`, from where it stands to `now`. Never raises for what a publisher did."""
    try:
        found = collect(feed, door, since=since(feed, now), now=now, places=Places(**settings.FEEDS_PLACES))
        return ingest_feed(feed=feed, found=found, now=now)
    except Exception as problem:
        log.exception("feed %s could not be read", feed.name)
        fault = FeedError(f"A fault in CACO, not at the publisher: {type(problem).__name__}. The log has the rest.")
        return ingest_feed(feed=feed, found=Round((), fault), now=now)


def publishers(session: requests.Session) -> Gateway:
    """The door to the publishers as this installation is set; `session` opens its connections."""
    folder = Path(settings.FEEDS_ARCHIVE) if settings.FEEDS_ARCHIVE else None
    return Gateway(session, keys=settings.FEEDS_KEYS, mirror=settings.FEEDS_MIRROR, folder=folder)


def since(feed: Feed, now: datetime) -> datetime:
    """Where the next fetch begins: a little before the newest half hour held, because published values change."""
    newest = FeedState.objects.filter(pk=feed.name).values_list("newest_at", flat=True).first()
    if newest is None:
        return now - feed.back
    return max(min(newest, now) - feed.overlap, now - max(feed.back, feed.overlap))
