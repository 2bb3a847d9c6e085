"""Queue a notification for every sold half hour whose position is not yet told, and take back what is no longer sold.

It compares what is sold with the last revision and knows nothing else, so it may be run at any time, again, or after a crash.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from flex_engine.settle.position import Position, notify_by, render
from flex_engine.settle.settlement_calendar import gate_closure
from marketplace import events, notify
from marketplace.models import PositionNotification, Site
from marketplace.models.notification import sold_periods
from marketplace.rules.notification import NotificationState, check_notification_step, unit_of

Place = tuple[int, datetime]


class Standing(NamedTuple):
    """The newest revision of a place: a tuple, for every tick reads all of them."""

    pk: int
    revision: int
    state: str
    position_wh: int


def plan_notifications(*, since: datetime, now: datetime) -> list[PositionNotification]:
    """The new rows for half hours from `since` on. A period whose gate has closed gets one too, so that it can be alarmed."""
    wanted: Counter[Place] = Counter()
    for sold in sold_periods(since=since):
        wanted[sold.site_id, sold.start] += 0 if sold.is_cancelled else sold.position_wh
    with transaction.atomic():
        latest, told = standing(since)
        changed = sorted(
            place
            for place in wanted.keys() | latest.keys()
            if wanted[place] != stands_for(latest.get(place), told.get(place, 0))
        )
        made = [
            row
            for place in changed
            for row in revise(place, wanted[place], latest.get(place), told.get(place, 0), now=now)
        ]
        for site_id in sorted({row.site_id for row in made}):
            record([row for row in made if row.site_id == site_id], now=now)
    return made


def standing(since: datetime) -> tuple[dict[Place, Standing], dict[Place, int]]:
    """By place, the newest revision, and the position last sent."""
    latest, told = {}, {}
    rows = PositionNotification.objects.filter(start_at__gte=since).order_by("revision")
    for pk, site_id, start, revision, state, position_wh, sent_at in rows.values_list(
        "pk", "site_id", "start_at", "revision", "state", "position_wh", "sent_at"
    ):
        latest[site_id, start] = Standing(pk, revision, state, position_wh)
        if sent_at is not None:
            told[site_id, start] = position_wh
    return latest, told


def stands_for(latest: Standing | None, told_wh: int) -> int:
    """The position a place has been given so far: its newest revision's, or the one last sent where that was withdrawn."""
    return told_wh if latest is None or latest.state == NotificationState.WITHDRAWN else latest.position_wh


def revise(
    place: Place, wanted_wh: int, latest: Standing | None, told_wh: int, *, now: datetime
) -> list[PositionNotification]:
    """The next revision of a place, or none where taking the queued one back is enough."""
    if latest is not None and latest.state == NotificationState.PLANNED:
        check_notification_step(latest.state, NotificationState.WITHDRAWN)
        PositionNotification.objects.filter(pk=latest.pk).update(state=NotificationState.WITHDRAWN)
    if wanted_wh == told_wh:
        return []
    return [planned(place, 1 if latest is None else latest.revision + 1, wanted_wh, now=now)]


def planned(place: Place, revision: int, position_wh: int, *, now: datetime) -> PositionNotification:
    """One row with its file."""
    site_id, start = place
    position = Position(unit_of(site_id), start, revision, position_wh)
    content = render(position)
    return PositionNotification.objects.create(
        site_id=site_id,
        unit=position.unit,
        start_at=start,
        revision=revision,
        position_wh=position_wh,
        state=NotificationState.PLANNED,
        notify_by=notify_by(start),
        gate_closure_at=gate_closure(start),
        key=position.key,
        content=content,
        content_sha256=hashlib.sha256(content).hexdigest(),
        planned_at=now,
    )


def record(rows: Sequence[PositionNotification], *, now: datetime) -> None:
    """The event of what was queued for one site."""
    site = Site.objects.select_related("organisation").get(pk=rows[0].site_id)
    events.append(
        type="notification.planned",
        subject=f"site:{site.slug}",
        payload={"site": site.slug, "unit": rows[0].unit, "files": [file_of(row) for row in rows]},
        organisations=[site.organisation],
        now=now,
    )
    notify.changed(f"orders:{site.organisation.slug}")


def file_of(row: PositionNotification) -> dict[str, str]:
    """A file as an event names it."""
    return {
        "key": row.key,
        "start": row.start_at.isoformat(),
        "position_wh": str(row.position_wh),
        "sha256": row.content_sha256,
    }
