"""Queue a notification that came back with an exception once more, as the next revision, while the gate is open."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from marketplace.models import PositionNotification, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.notification import NotificationState
from marketplace.rules.roles import Action, require
from marketplace.usecases.plan_notifications import planned, record


def resubmit_notification(*, notification: PositionNotification, user: User, now: datetime) -> PositionNotification:
    """The new revision; asking again while it is queued answers the same. Raises MarketError: no exception, gate closed."""
    with transaction.atomic():
        row = (
            PositionNotification.objects.select_for_update(of=("self",))
            .select_related("site__organisation")
            .get(pk=notification.pk)
        )
        require(role_of(user, row.site.organisation), Action.REDRIVE)
        newest = PositionNotification.objects.filter(unit=row.unit, start_at=row.start_at).order_by("-revision")[0]
        if newest.state == NotificationState.PLANNED:
            return newest
        if newest.state != NotificationState.EXCEPTION:
            raise MarketError(
                "NOTHING_TO_RESUBMIT",
                f"The newest notification of this period, {newest.key}, did not come back.",
                fix="Only one with an exception is sent again.",
            )
        if now >= row.gate_closure_at:
            raise MarketError(
                "BIZ_FULFILLMENT_UNAVAILABLE",
                f"The gate for this period closed at {row.gate_closure_at:%Y-%m-%dT%H:%M}Z.",
                fix="Its position can no longer be told; the reconciliation shows what follows from it.",
            )
        again = planned((row.site_id, row.start_at), newest.revision + 1, newest.position_wh, now=now)
        record([again], now=now)
    return again
