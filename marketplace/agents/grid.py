"""The grid agent: keeps public grid data fresh. Nothing else that runs by itself asks a publisher for anything.

Feeds live on real time: while the market's clock is simulated nothing is asked, because what publishers say of a past day
is not what they said on it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from celery import shared_task
from django.conf import settings

from flex_engine.feeds import archive
from flex_engine.feeds.catalogue import chosen
from flex_engine.feeds.feed import Feed
from flex_engine.feeds.http import session
from marketplace import clock
from marketplace.agents.decide import decide
from marketplace.models import FeedState
from marketplace.usecases.collect_feed import collect_feed, publishers
from marketplace.usecases.ingest_feed import Ingested
from marketplace.usecases.lease import holding

SOON = timedelta(minutes=10)  # a feed that failed is asked again after this long, or its own interval when that is less


@shared_task(name="marketplace.agents.grid.tick")
def tick(**_: Any) -> None:
    """Collect every feed that is due, when live feeds are switched on."""
    if not settings.FEEDS_LIVE or clock.is_simulated():
        return
    with session() as opened:
        door = publishers(opened)
        for feed in chosen(settings.FEEDS):
            with holding(f"feed:{feed.name}", seconds=300) as held:
                now = clock.now()
                if held and due(feed, now):
                    say(feed, collect_feed(feed=feed, door=door, now=now), now)
    if door.folder is not None:
        archive.prune(door.folder, today=clock.now().date(), keep_days=settings.FEEDS_ARCHIVE_DAYS)


def due(feed: Feed, now: datetime) -> bool:
    """Whether `feed` should be asked again by `now`."""
    state = FeedState.objects.filter(pk=feed.name).first()
    if state is None or state.attempted_at is None or state.attempted_at > now:
        return True
    trouble = state.failing_since is not None and state.failure_kind != FeedState.Failure.NO_KEY
    return now - state.attempted_at >= (min(feed.every, SOON) if trouble else feed.every)


def say(feed: Feed, taken: Ingested, now: datetime) -> None:
    """Leave a decision for what changed; a failure is said once."""
    new = [f"{taken.values} new values"] * bool(taken.values) + [f"{taken.issues} new forecasts"] * bool(taken.issues)
    said = []
    if taken.failure and taken.changed:
        said.append((f"{feed.title} could not be fetched", "kept the last values", taken.failure))
    if new:
        said.append((f"{' and '.join(new)} of {feed.source}", "stored them", "plans and forecasts rest on them"))
    if taken.set_aside:
        rows = "1 row" if taken.set_aside == 1 else f"{taken.set_aside} rows"
        said.append((f"{rows} of {feed.title} that cannot be right", "set aside what cannot be right", taken.why))
    for saw, decided, why in said:
        decide(agent="grid", now=now, subject=f"feed:{feed.name}", saw=saw, decided=decided, why=why)
