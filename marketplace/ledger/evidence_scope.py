"""What an evidence pack is about, and what of it its reader may see: rows chosen by a door, and no rule about who may."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from beckn.models import InboxMessage, OutboxMessage
from marketplace.models import LedgerEntry, Order, Organisation, Site


@dataclass(frozen=True, slots=True)
class Sight:
    """What the person a pack is for may see. `everything`: every payload of the log; `complete_for`: all of these organisations'."""

    entries: QuerySet[LedgerEntry]
    sites: QuerySet[Site]
    received: QuerySet[InboxMessage]
    sent: QuerySet[OutboxMessage]
    everything: bool = False
    complete_for: Collection[int] = ()
    organisation: Organisation | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What a pack is about: an order, an organisation, [start, end) of events, or the whole log when nothing is named."""

    order: Order | None = None
    organisation: Organisation | None = None
    start: datetime | None = None
    end: datetime | None = None

    def told(self) -> dict[str, Any]:
        """The scope as pack.json says it."""
        if self.order is not None:
            return {"kind": "order", "order": str(self.order.pk)}
        if self.organisation is not None:
            return {"kind": "organisation", "number": self.organisation.pk, "organisation": self.organisation.slug}
        if self.start is None and self.end is None:
            return {"kind": "whole"}
        bounds = {"from": self.start, "to": self.end}
        return {"kind": "range", **{name: when.isoformat() for name, when in bounds.items() if when is not None}}
