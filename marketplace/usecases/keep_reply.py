"""Keep what the seller said about a purchase beside its course: tracking, a rating taken, a question's channels."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from marketplace import notify
from marketplace.models import Purchase
from marketplace.usecases.keep_dispute_reply import keep_dispute_reply
from marketplace.usecases.receive_answer import purchase_of
from marketplace.wire.purchase import freeze


def keep_reply(
    *,
    action: str,
    seller_subscriber_id: str,
    transaction_id: uuid.UUID,
    message: Mapping[str, Any],
    error: Mapping[str, Any] | None,
    message_id: str = "",
    told_at: datetime | None = None,
    now: datetime,
) -> Purchase:
    """Store the newest reply to each kind of question; one about a dispute is kept with the dispute, by `message_id`.

    Raises MarketError for a stranger's transaction.
    """
    with transaction.atomic():
        purchase = purchase_of(transaction_id, seller_subscriber_id)
        if action == "on_support" and keep_dispute_reply(
            purchase=purchase, message=message, error=error, message_id=message_id, told_at=told_at or now, now=now
        ):
            return purchase
        reply = {"message": freeze(message), "error": freeze(error or {}), "received_at": now.isoformat()}
        purchase.answers = {**purchase.answers, action: reply}
        purchase.updated_at = now
        purchase.save(update_fields=["answers", "updated_at"])
        notify.changed(f"purchase:{purchase.pk}")
    return purchase
