"""Hear what the counterparty has to say of the files it got: exceptions, and after the gate what it holds.

Silence is not written down as anything: a notification without an exception stays sent, and is unconfirmed once the gate
has closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from flex_engine.simulate.counterparties import Filed
from flex_engine.simulate.counterparties_ecvaa import Book
from marketplace import events, notify
from marketplace.models import PositionHeld, PositionNotification
from marketplace.rules.notification import WENT_OUT, Alarm, NotificationState, check_notification_step

LOOK_BACK = timedelta(days=2)
SENT, UNCONFIRMED = NotificationState.SENT, NotificationState.UNCONFIRMED


class Voice(Protocol):
    """What a counterparty makes of the files it got so far."""

    name: str

    def book(self, files: Iterable[Filed]) -> Book:
        """Its exceptions, and the positions it holds."""
        ...


def hear_counterparty(*, voice: Voice, sent_since: datetime, now: datetime) -> list[PositionNotification]:
    """The rows an exception came for, each alarmed. Asking again hears nothing new.

    `sent_since` keeps it cheap: what was sent before it has been asked about, and is asked about again after the gate.
    """
    sent = in_question(voice.name, sent_since=sent_since, now=now)
    if not sent:
        return []
    book = voice.book([Filed(row.key, bytes(row.content), row.sent_at) for row in sent if row.sent_at])
    reasons = {one.key: one.reason for one in book.exceptions}
    odd = [row for row in sent if row.key in reasons and row.state != NotificationState.EXCEPTION]
    with transaction.atomic():
        for row in odd:
            except_one(row, reasons[row.key], now=now)
        keep_held(sent, book, voice.name, now=now)
    return odd


def in_question(counterparty: str, *, sent_since: datetime, now: datetime) -> list[PositionNotification]:
    """Every file that went out lately, and every one of a closed period of which the counterparty has not reported yet."""
    reported = PositionHeld.objects.filter(
        counterparty=counterparty, unit=OuterRef("unit"), start_at=OuterRef("start_at")
    )
    young = Q(start_at__gte=now - LOOK_BACK)  # of what came back for good the counterparty never reports
    rows = PositionNotification.objects.filter(young | Q(state__in=(SENT, UNCONFIRMED)), state__in=WENT_OUT)
    lately = Q(sent_at__gte=sent_since) | Q(gate_closure_at__lte=now)
    open_ones = rows.filter(lately, ~Exists(reported)).select_related("site__organisation")
    return list(open_ones.order_by("sent_at", "pk"))


def except_one(row: PositionNotification, reason: str, *, now: datetime) -> None:
    """Write down one exception, with its event."""
    check_notification_step(row.state, NotificationState.EXCEPTION)
    row.state, row.exception_reason, row.exception_at = NotificationState.EXCEPTION, reason, now
    row.alarm, row.alarm_at = Alarm.EXCEPTION, now
    row.save(update_fields=["state", "exception_reason", "exception_at", "alarm", "alarm_at"])
    events.append(
        type="notification.exception",
        subject=f"site:{row.site.slug}",
        payload={"site": row.site.slug, "key": row.key, "start": row.start_at.isoformat(), "reason": reason},
        organisations=[row.site.organisation],
        now=now,
    )
    notify.changed(f"orders:{row.site.organisation.slug}")


def keep_held(sent: Sequence[PositionNotification], book: Book, counterparty: str, *, now: datetime) -> None:
    """Keep the counterparty's own report of every period whose gate has closed, once."""
    closed = {(row.unit, row.start_at): row.site_id for row in sent if row.gate_closure_at <= now}
    PositionHeld.objects.bulk_create(
        PositionHeld(
            site_id=closed[place],
            unit=position.unit,
            start_at=position.start,
            position_wh=position.position_wh,
            counterparty=counterparty,
            reported_at=now,
        )
        for place, position in sorted(book.held.items())
        if place in closed
    )
