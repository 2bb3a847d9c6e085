"""The grid agent: keeps carbon and price signals fresh and issues forecasts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import requests
from celery import shared_task
from django.conf import settings

from flex_engine.feeds import carbon_intensity, elexon
from flex_engine.feeds.http import FeedError, session
from flex_engine.timegrid import floor_half_hour
from marketplace import clock
from marketplace.agents.decide import decide
from marketplace.models import AgentDecision, SignalPoint
from marketplace.usecases.lease import holding
from marketplace.usecases.record_signals import record_signals

FEEDS = {"carbon_intensity": carbon_intensity, "price": elexon}


@shared_task(name="marketplace.agents.grid.tick")
def tick(**_: Any) -> None:
    """Fetch what the live feeds have published since the last value, when live feeds are switched on."""
    if not settings.FEEDS_LIVE:
        return
    with holding("grid", seconds=120) as held:
        if held:
            for name in FEEDS:
                refresh(name, clock.now())


def refresh(name: str, now: datetime) -> None:
    """Fetch one series from its last known half hour up to now; a failed feed is said once and never filled in."""
    last = (
        SignalPoint.objects.filter(series=name, label="MEASURED")
        .order_by("-start_at")
        .values_list("start_at", flat=True)
        .first()
    )
    start = last + timedelta(minutes=30) if last else floor_half_hour(now) - timedelta(days=14)
    if start >= floor_half_hour(now):
        return
    try:
        found = FEEDS[name].fetch(session(), start, floor_half_hour(now), now)
    except (FeedError, requests.RequestException) as problem:
        newest = AgentDecision.objects.filter(agent="grid", subject=f"feed:{name}").order_by("-at", "-pk").first()
        if newest is None or newest.decided != "kept the last values":
            decide(
                agent="grid",
                now=now,
                subject=f"feed:{name}",
                saw=f"{name} could not be fetched",
                decided="kept the last values",
                why=str(problem),
            )
        return
    added = record_signals(series=[found], now=now)
    if added:
        decide(
            agent="grid",
            now=now,
            subject=f"feed:{name}",
            saw=f"{added} new half hours of {name} from {found.source}",
            decided="stored them",
            why="plans and forecasts rest on them",
        )
