"""Keep half hours of a site's meter: new ones and changed ones, as revisions. Nothing known before is overwritten.

It judges nothing: whoever calls has checked the readings, and holds the transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from flex_engine.settle.metering import HalfHour
from marketplace import enqueue, events, notify
from marketplace.models import ExportReading, MeterReading, Site
from marketplace.models.metering_bulk import write_rows
from marketplace.rules.errors import MarketError

TABLES: Final[dict[str, tuple[type[MeterReading | ExportReading], str]]] = {
    "IMPORT": (MeterReading, "import_wh"),
    "EXPORT": (ExportReading, "export_wh"),
}
CHUNK: Final = 20_000
NOTHING: Final = (None, None, None)


def keep_readings(
    *,
    site: Site,
    half_hours: Sequence[HalfHour],
    direction: str = "IMPORT",
    source: str,
    label: str,
    facts: Mapping[str, Any] | None = None,
    event: str = "meter.recorded",
    now: datetime,
) -> int:
    """Store what differs from the newest known energy or quality of its half hour; returns how many that were.

    Activations concerned settle, or settle again, by the agent's next tick, which is asked for. `facts` go into the event.
    Raises MarketError KNOWN_SINCE where a reading is known since `now` or later, which a revision could not follow.
    """
    fresh = changed(site, sorted(half_hours, key=lambda one: one.start), direction, now=now)
    if not fresh:
        return 0
    model, column = TABLES[direction]
    write_rows(
        model,
        ("site_id", "start_at", column, "quality", "source", "label", "known_at"),
        ((site.pk, one.start, one.wh, one.quality, source[:80], label, now) for one in fresh),
    )
    events.append(
        type=event,
        subject=f"site:{site.slug}",
        payload={
            "site": site.slug,
            "direction": direction,
            "readings": len(fresh),
            "first": fresh[0].start.isoformat(),
            "last": fresh[-1].start.isoformat(),
            "sha256": readings_digest([(one.start, one.wh) for one in fresh]),
            "source": source[:80],
            "label": label,
            **(facts or {}),
        },
        organisations=[site.organisation],
        now=now,
    )
    enqueue.enqueue("marketplace.agents.coordination.tick")
    notify.changed(f"site:{site.slug}")
    return len(fresh)


def changed(site: Site, half_hours: Sequence[HalfHour], direction: str, *, now: datetime) -> list[HalfHour]:
    """Those of `half_hours` (in order of time) that say something new."""
    found: list[HalfHour] = []
    for chunk in chunks(half_hours):
        known = newest(site, direction, chunk[0].start, chunk[-1].start)
        fresh = [one for one in chunk if known.get(one.start, NOTHING)[:2] != (one.wh, one.quality)]
        for one in fresh:
            if one.start in known and known[one.start][2] >= now:
                raise MarketError(
                    "KNOWN_SINCE",
                    f"A reading of {one.start:%Y-%m-%dT%H:%M}Z is known since {known[one.start][2]:%Y-%m-%dT%H:%M:%S}Z, not before now.",
                    fix="Send it again in a moment. If it goes on, this installation's clock was set back.",
                )
        found += fresh
    return found


def chunks(half_hours: Sequence[HalfHour]) -> Iterator[Sequence[HalfHour]]:
    """Pieces of a length whose half hours a query can look up at once."""
    for begin in range(0, len(half_hours), CHUNK):
        yield half_hours[begin : begin + CHUNK]


def newest(site: Site, direction: str, first: datetime, last: datetime) -> dict[datetime, tuple[int, str, datetime]]:
    """(Wh, quality, known since) of the newest reading of each half hour that begins in [first, last]."""
    model, column = TABLES[direction]
    rows = model._default_manager.filter(site=site, start_at__gte=first, start_at__lte=last).order_by("known_at", "pk")
    told = rows.values_list("start_at", column, "quality", "known_at")
    return {start: (wh, quality, known) for start, wh, quality, known in told}


def readings_digest(readings: Iterable[tuple[datetime, int]]) -> str:
    """SHA-256 over the readings in order of time, one `start,wh` line each, with a line feed between two."""
    digest = hashlib.sha256()
    for index, (start, wh) in enumerate(sorted(readings)):
        digest.update(f"{chr(10) if index else ''}{start.isoformat()},{wh}".encode())
    return digest.hexdigest()
