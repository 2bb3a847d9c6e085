"""Whose a received message is: the market's, or the application's behind the adapter.

A deal has one owner, known by its transaction and the peer in it. A callback goes to whoever sent that peer something in it;
a request goes where the first one of it went, and the first goes by the address it came to.
"""

from __future__ import annotations

import uuid

from django.conf import settings

from beckn.models import InboxMessage, OutboxMessage
from beckn.wire import actions


def application(role: str) -> str:
    """The address of the application behind `role`; "" when the adapter is off or the market alone is there."""
    return str(settings.BECKN_APPLICATIONS.get(role, "")) if settings.BECKN_ADAPTER else ""


def is_for_application(row: InboxMessage, *, at_receiver: bool) -> bool:
    """Whether a verified message, stored or not, is the application's; `at_receiver` says that it came to its address."""
    if not application(row.role):
        return False
    if actions.ACTIONS[row.action].is_callback:
        return began(row.role, row.transaction_id, row.subscriber_id) is True
    first = (
        InboxMessage.objects.filter(role=row.role, subscriber_id=row.subscriber_id, transaction_id=row.transaction_id)
        .order_by("pk")
        .values_list("application_status", flat=True)[:1]
    )
    return first[0] is not None if first else at_receiver


def began(role: str, transaction_id: uuid.UUID, to: str = "") -> bool | None:
    """Whether an application sent what we have said as `role` in a transaction (to `to`); None when nothing was said."""
    sent = OutboxMessage.objects.filter(role=role, transaction_id=transaction_id)
    first = (sent.filter(to=to) if to else sent).order_by("pk").values_list("asked_digest", flat=True)[:1]
    return bool(first[0]) if first else None
