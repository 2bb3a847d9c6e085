"""Keep what a seller elsewhere says about a dispute of ours: that it is open, how it stands, or that it was not taken."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marketplace import events, notify
from marketplace.models import Purchase, PurchaseDispute
from marketplace.rules.dispute import DisputeState
from marketplace.wire.delivery import objects
from marketplace.wire.purchase import freeze

LONGEST = 120


def keep_dispute_reply(
    *,
    purchase: Purchase,
    message: Mapping[str, Any],
    error: Mapping[str, Any] | None,
    message_id: str,
    told_at: datetime,
    now: datetime,
) -> bool:
    """Whether an on_support says something of a dispute, which is then kept with it. The caller holds the purchase.

    A seller that does not know FlexDispute answers like any question, and its answer is kept like one.
    """
    row = next((one for one in purchase.disputes.all() if str(one.message_id) == message_id.lower()), None)
    if row is None:
        return False
    if error:
        row.refusal = {
            "code": str(error.get("errorCode", error.get("code", ""))),
            "message": str(error.get("errorMessage", error.get("message", ""))),
        }
        if not row.dispute_id:
            row.state = PurchaseDispute.State.REFUSED
        row.updated_at = now
        row.save(update_fields=["refusal", "state", "updated_at"])
        notify.changed(f"purchase:{purchase.pk}")
        return True
    found = [told for told in channels_of(message) if told.get("@type") == "FlexDispute"]
    for told in found:
        take_over(row, told, told_at=told_at, now=now)
    return bool(found)


def channels_of(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The channels of an on_support; none where it has none that can be read."""
    support = message.get("support")
    return objects(support.get("channels")) if isinstance(support, Mapping) else []


def keep_dispute_state(*, purchase: Purchase, told: Mapping[str, Any], told_at: datetime, now: datetime) -> None:
    """Take over how a dispute of ours stands, from a settlement that names it. One that is not ours is left to its entry."""
    identity = str(told.get("disputeId", ""))
    row = purchase.disputes.filter(dispute_id=identity).first() if 0 < len(identity) <= LONGEST else None
    if row is not None:
        take_over(row, told, told_at=told_at, now=now)


def take_over(row: PurchaseDispute, told: Mapping[str, Any], *, told_at: datetime, now: datetime) -> None:
    """The seller's word, unless a later one is known already or it says nothing that can be read."""
    state, identity = str(told.get("state", "")), str(told.get("disputeId", ""))
    readable = state in DisputeState.__members__ and 0 < len(identity) <= LONGEST
    older = row.told_at is not None and told_at < row.told_at
    if not readable or older or (row.dispute_id and row.dispute_id != identity):
        return
    changed = row.state != state
    row.state, row.dispute_id, row.said, row.refusal = state, identity, freeze(told), {}
    row.told_at, row.updated_at = told_at, now
    row.save(update_fields=["state", "dispute_id", "said", "refusal", "told_at", "updated_at"])
    if changed:
        events.append(
            type="purchase.dispute",
            subject=f"purchase:{row.purchase_id}",
            payload={"dispute": identity, "seller": row.purchase.seller_subscriber_id, "state": state},
            organisations=[row.purchase.organisation],
            now=now,
        )
        notify.changed(f"purchase:{row.purchase_id}")
