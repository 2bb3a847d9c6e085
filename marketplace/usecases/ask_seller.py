"""The buyer asks the seller about a purchase: how delivery goes, to keep a rating, or a question.

One verb with three words; none moves the purchase, and the replies are kept beside its course (keep_reply).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from beckn import outbox
from marketplace.models import Purchase, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.roles import Action, require
from marketplace.wire.aftercare import HIGHEST, LOWEST, order_page
from marketplace.wire.purchase import contract_message

WORDS = ("track", "rate", "support")


def ask_seller(
    *, purchase: Purchase, word: str, score: int = 0, subject: str = "", user: User | None = None, now: datetime
) -> Purchase:
    """Send the signed track, rate (`score` from 1 to 5) or support (`subject` says what about).

    Raises MarketError: an unknown word, a score outside the range, or a purchase without terms yet.
    """
    if word not in WORDS:
        raise MarketError("BAD_STEP", f"{word[:20]!r} is not a question.", fix=f"Write one of {', '.join(WORDS)}.")
    if word == "rate" and not LOWEST <= score <= HIGHEST:
        raise MarketError(
            "BAD_SCORE", f"The score is not from {LOWEST} to {HIGHEST}.", fix=f"Give {LOWEST} to {HIGHEST}."
        )
    with transaction.atomic():
        purchase = Purchase.objects.select_for_update(of=("self",)).select_related("organisation").get(pk=purchase.pk)
        if user is not None:
            require(role_of(user, purchase.organisation), Action.BUY)
        if not purchase.contract_id:
            raise MarketError(
                "BIZ_INVALID_STATE_TRANSITION", "This purchase has no order yet.", fix="Agree its terms first."
            )
        outbox.send(
            role="bap",
            action=word,
            message=message_for(purchase, word, score=score, subject=subject),
            to=purchase.seller_subscriber_id,
            transaction_id=purchase.transaction_id,
        )
        purchase.updated_at = now
        purchase.save(update_fields=["updated_at"])
    return purchase


def message_for(purchase: Purchase, word: str, *, score: int, subject: str) -> dict[str, Any]:
    """The body of the question. The standard asks a track for an address and a status, which only its answer knows."""
    if word == "track":
        return {"tracking": {"url": order_page(purchase.contract_id), "status": "ACTIVE", **contract_message(purchase)}}
    if word == "rate":
        scale = {"min": LOWEST, "max": HIGHEST, "value": score}
        return {
            "ratingInputs": [
                {"target": {"id": purchase.contract_id, "descriptor": {"code": "CONTRACT"}}, "range": scale}
            ]
        }
    return {"support": {"orderId": purchase.contract_id, "descriptor": {"code": subject[:80] or "GENERAL"}}}
