"""Take meter readings in. A reading that differs from what was known is a revision; nothing is overwritten."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from flex_engine.quantities import Label
from flex_engine.timegrid import floor_half_hour
from marketplace import enqueue, events, notify
from marketplace.models import MeterReading, Site, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.roles import Action, require

HALF_HOUR = timedelta(minutes=30)


def record_meter(
    *,
    site: Site,
    readings: Sequence[tuple[datetime, int]],
    source: str,
    label: str,
    user: User | None = None,
    now: datetime,
) -> int:
    """Store (start, import energy in Wh) pairs, all or none; returns how many were new or changed.

    Raises MarketError naming the reading: off the half-hour grid, without a zone, negative, not over yet, twice in one
    file, above what the site can import (a sign of kWh given as Wh or the other way round), or an unknown label.
    """
    if user is not None:
        require(role_of(user, site.organisation), Action.METER)
    if label not in {Label.MEASURED, Label.SIMULATED}:
        raise MarketError("BAD_READING", f"label is {label!r}.", fix="Write MEASURED or SIMULATED.")
    check_readings(site, readings, now=now)
    with transaction.atomic():
        latest = latest_wh(site, [start for start, _ in readings])
        fresh = [(start, wh) for start, wh in readings if latest.get(start) != wh]
        MeterReading.objects.bulk_create(
            (
                MeterReading(site=site, start_at=s, import_wh=wh, source=source[:80], label=label, known_at=now)
                for s, wh in fresh
            ),
            batch_size=1000,
        )
        if fresh:
            events.append(
                type="meter.recorded",
                subject=f"site:{site.slug}",
                payload={
                    "site": site.slug,
                    "readings": len(fresh),
                    "first": min(s for s, _ in fresh).isoformat(),
                    "last": max(s for s, _ in fresh).isoformat(),
                    "sha256": readings_digest(fresh),
                    "label": label,
                },
                organisations=[site.organisation],
                now=now,
            )
            enqueue.enqueue("marketplace.agents.coordination.tick")
            notify.changed(f"site:{site.slug}")
    return len(fresh)


def check_readings(site: Site, readings: Sequence[tuple[datetime, int]], *, now: datetime) -> None:
    """Raise MarketError for the first reading that cannot be right."""
    most_wh = int(site.import_limit_kw * 500 * 2)  # twice the connection: beyond it a unit mistake is certain
    seen: set[datetime] = set()
    for number, (start, wh) in enumerate(readings, 1):
        if start.tzinfo is None or floor_half_hour(start) != start:
            bad(
                number,
                "start",
                start,
                "it must be the start of a half hour, with a zone",
                "Write it like 2026-01-15T17:00:00Z.",
            )
        if start in seen:
            bad(number, "start", start, "the same half hour stands twice", "Send one reading for each half hour.")
        if start + HALF_HOUR > now:
            bad(number, "start", start, "that half hour is not over", "Send readings after the end of their half hour.")
        if wh < 0:
            bad(number, "import_wh", wh, "import energy is never negative", "Send export on its own channel.")
        if wh > most_wh:
            bad(
                number,
                "import_wh",
                wh,
                f"the site can import {most_wh // 2} Wh in half an hour",
                "Check the unit: Wh, not W or mWh.",
            )
        seen.add(start)


def bad(number: int, field: str, value: object, problem: str, fix: str) -> None:
    """Raise the one error every bad reading gives."""
    raise MarketError(
        "BAD_READING",
        f"Reading {number}: {field} is {value}; {problem}.",
        fix=fix,
        details={"row": number, "column": field},
    )


def latest_wh(site: Site, starts: Sequence[datetime]) -> dict[datetime, int]:
    """The newest known energy of each of `starts` that has one."""
    if not starts:
        return {}
    rows = MeterReading.objects.filter(site=site, start_at__gte=min(starts), start_at__lte=max(starts)).order_by(
        "known_at", "pk"
    )
    return {row.start_at: row.import_wh for row in rows}


def readings_digest(readings: Sequence[tuple[datetime, int]]) -> str:
    """SHA-256 over the readings in order of time, one `start,wh` line each."""
    lines = "\n".join(f"{start.isoformat()},{wh}" for start, wh in sorted(readings))
    return hashlib.sha256(lines.encode()).hexdigest()
