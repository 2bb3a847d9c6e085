"""Say what is late, missed or unconfirmed as gates close. Every sold half hour ends told in time, or alarmed."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F, Q

from marketplace import events, notify
from marketplace.models import PositionNotification
from marketplace.rules.notification import WENT_OUT, Alarm, NotificationState, check_notification_step

N = NotificationState


def close_notification_gates(*, now: datetime) -> list[PositionNotification]:
    """The rows that were alarmed: not sent five minutes before the gate (or sent after that), or not before it closed."""
    alarmed = []
    with transaction.atomic():
        rows = PositionNotification.objects.select_related("site__organisation").order_by("gate_closure_at", "pk")
        for row in rows.filter(state=N.PLANNED, gate_closure_at__lte=now):
            step(row, N.MISSED)
            alarmed.append(raise_alarm(row, Alarm.MISSED, now=now))
        late = Q(state=N.PLANNED, notify_by__lt=now) | Q(state__in=WENT_OUT, sent_at__gt=F("notify_by"))
        for row in rows.filter(late, alarm=""):
            alarmed.append(raise_alarm(row, Alarm.LATE, now=now))
        for row in rows.filter(state=N.SENT, gate_closure_at__lte=now):
            step(row, N.UNCONFIRMED)
            notify.changed(f"orders:{row.site.organisation.slug}")
    return alarmed


def step(row: PositionNotification, state: NotificationState) -> None:
    """Move a row on."""
    check_notification_step(row.state, state)
    row.state = state
    row.save(update_fields=["state"])


def raise_alarm(row: PositionNotification, alarm: Alarm, *, now: datetime) -> PositionNotification:
    """Alarm a row, with its event."""
    row.alarm, row.alarm_at = alarm, now
    row.save(update_fields=["alarm", "alarm_at"])
    events.append(
        type="notification.alarm",
        subject=f"site:{row.site.slug}",
        payload={
            "site": row.site.slug,
            "key": row.key,
            "start": row.start_at.isoformat(),
            "alarm": alarm.value,
            "gate_closure": row.gate_closure_at.isoformat(),
            "position_wh": str(row.position_wh),
        },
        organisations=[row.site.organisation],
        now=now,
    )
    notify.changed(f"orders:{row.site.organisation.slug}")
    return row
