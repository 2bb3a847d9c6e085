"""Count the log after each settlement day: one manifest for the whole, and one for each organisation with entries in it.

A manifest begins where the one before ended and ends before the first entry of the new day, so that every entry is counted
by exactly one, late commits included. A day on which nothing happened but the counting itself has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db import transaction

from flex_engine.timegrid import LONDON, day_start
from marketplace import events, notify
from marketplace.ledger import merkle
from marketplace.ledger.log import CHUNK, as_bytes, leaf_hashes, log_size
from marketplace.ledger.manifest import TYPE, Totals, figures
from marketplace.models import Event, LedgerEntry, Organisation
from marketplace.usecases.lease import holding


@dataclass(slots=True)
class Count:
    """What entries `first` to `last` come to."""

    first: int
    last: int
    totals: Totals = field(default_factory=Totals)

    def as_json(self) -> dict[str, Any]:
        """The members of a manifest's payload that say so."""
        return {"first": self.first, "last": self.last, "entries": self.totals.entries, "types": self.totals.as_json()}


def write_manifest(*, now: datetime) -> Event | None:
    """Write the manifests that are due at `now`, and answer that of the whole log, or None when none is."""
    if due(now) is None:
        return None
    with holding("manifest", seconds=120) as held:
        if not held:
            return None
        with transaction.atomic():
            span = due(now)
            return append_all(*span, now=now) if span else None


def due(now: datetime) -> tuple[int, int] | None:
    """The first and the last entry that the next manifest counts; None when there is nothing to count yet."""
    first = covered()
    waiting, midnight = LedgerEntry.objects.filter(seq__gte=first), day_start(now.astimezone(LONDON).date())
    new = waiting.filter(event__at__gte=midnight).order_by("seq").values_list("seq", flat=True).first()
    end = log_size() if new is None else new
    return (first, end - 1) if waiting.filter(seq__lt=end).exclude(event__type=TYPE).exists() else None


def covered() -> int:
    """The first entry that no manifest counts yet."""
    written = Event.objects.filter(subject__gte="log:", subject__lt="log;", type=TYPE).order_by("-pk")
    payload = written.values_list("payload", flat=True).first()
    return 0 if payload is None else int(orjson.loads(as_bytes(payload))["last"]) + 1


def append_all(first: int, last: int, *, now: datetime) -> Event:
    """One manifest per organisation, about the day, then that of the whole log."""
    whole, own = counted(first, last)
    day = (now.astimezone(LONDON).date() - timedelta(days=1)).isoformat()
    for organisation in Organisation.objects.filter(pk__in=own).order_by("pk"):
        found = own[organisation.pk]
        payload = {"day": day, "scope": "organisation", "organisation": organisation.pk, **found.as_json()}
        payload |= {"log_first": first, "log_last": last}
        events.append(type=TYPE, subject=f"day:{day}", payload=payload, organisations=[organisation], now=now)
    root = merkle.root(leaf_hashes(last + 1)).hex()
    payload = {"day": day, "scope": "log", "organisations": len(own), "root": root, **whole.as_json()}
    made = events.append(type=TYPE, subject=f"log:{day}", payload=payload, organisations=[], now=now)
    notify.changed("ledger")
    return made


def counted(first: int, last: int) -> tuple[Count, dict[int, Count]]:
    """What entries `first` to `last` come to, and what those of each organisation do, under its own numbers."""
    whole, own = Count(first, last), dict[int, Count]()
    for kind, payload, numbers in rows(first, last):
        found = figures(payload)
        whole.totals.add(kind, found)
        for party, seq in numbers:
            mine = own.setdefault(party, Count(seq, seq))
            mine.last = seq
            mine.totals.add(kind, found)
    return whole, own


def rows(first: int, last: int) -> Iterator[tuple[str, bytes, list[tuple[int, int]]]]:
    """Type, payload and numbers in organisations of each entry, in order."""
    entries = LedgerEntry.objects.filter(seq__gte=first, seq__lte=last).order_by("seq").select_related("event")
    for entry in entries.prefetch_related("numbers").iterator(chunk_size=CHUNK):
        numbers = [(one.organisation_id, one.org_seq) for one in entry.numbers.all()]
        yield entry.event.type, as_bytes(entry.event.payload), numbers
