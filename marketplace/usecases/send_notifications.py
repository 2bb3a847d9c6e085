"""Hand every queued notification to the counterparty while its gate is open, soonest gate first.

The bytes were fixed when it was queued. A crash between handing over and writing it down hands the same bytes over again
under the same key, which changes nothing at the other end. That the counterparty took a file says nothing about acceptance.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from django.db import transaction

from flex_engine.simulate.counterparties import Filed
from marketplace import events, notify
from marketplace.models import PositionNotification
from marketplace.rules.notification import NotificationState, check_notification_step
from marketplace.usecases.plan_notifications import file_of


class UnreachableError(Exception):
    """The counterparty took nothing; what is queued stays queued."""


class Channel(Protocol):
    """How files get to a counterparty."""

    def take(self, filed: Filed) -> None:
        """Take one file; the same key and bytes may come again. Raises UnreachableError."""
        ...


def send_notifications(*, channel: Channel, now: datetime) -> list[PositionNotification]:
    """The rows that went out. Raises UnreachableError after writing down those that had."""
    queued = PositionNotification.objects.filter(state=NotificationState.PLANNED, gate_closure_at__gt=now)
    sent: list[PositionNotification] = []
    try:
        for row in queued.select_related("site__organisation").order_by("gate_closure_at", "pk"):
            channel.take(Filed(row.key, bytes(row.content), now))
            sent.append(row)
    finally:
        write_down(sent, now=now)
    return sent


def write_down(sent: Sequence[PositionNotification], *, now: datetime) -> None:
    """Mark rows as sent, with one event a site."""
    with transaction.atomic():
        for row in sent:
            check_notification_step(row.state, NotificationState.SENT)
            row.state, row.sent_at = NotificationState.SENT, now
            row.save(update_fields=["state", "sent_at"])
        for site in {row.site_id: row.site for row in sent}.values():
            mine = [row for row in sent if row.site_id == site.pk]
            events.append(
                type="notification.sent",
                subject=f"site:{site.slug}",
                payload={"site": site.slug, "unit": mine[0].unit, "files": [file_of(row) for row in mine]},
                organisations=[site.organisation],
                now=now,
            )
            notify.changed(f"orders:{site.organisation.slug}")
