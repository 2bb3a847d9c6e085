"""What the journal says about a deal: the contract as it was last spoken of, and what our requests were signed with.

It reads rows and changes none. A message of 1.1 may leave out all but an order's id; the deal it means is found here.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings

from beckn.models import InboxMessage, OutboxMessage
from beckn.wire import actions, dialect
from beckn.wire.errors import WireError
from beckn.wire.profile import named

LOOKED_AT = 20  # messages of a deal, newest first, before we say that there is no contract
CONTRACTUAL = [name for name, action in actions.ACTIONS.items() if action.member == "contract"]


def last_contract(
    *, role: str, peer: str, transaction_id: uuid.UUID, but: InboxMessage | None = None
) -> dict[str, Any] | None:
    """The contract in the newest message of this transaction between us as `role` and `peer`, leaving `but` out.

    None when no message of it carries a whole one.
    """
    sent = OutboxMessage.objects.filter(role=role, to=peer, transaction_id=transaction_id, action__in=CONTRACTUAL)
    got = InboxMessage.objects.filter(
        role=role, subscriber_id=peer, transaction_id=transaction_id, action__in=CONTRACTUAL
    ).exclude(pk=but.pk if but else 0)
    rows: list[tuple[Any, ...]] = [
        *sent.order_by("-created_at").values_list("created_at", "raw", "profile", "action")[:LOOKED_AT],
        *got.order_by("-received_at").values_list("received_at", "raw", "profile", "action")[:LOOKED_AT],
    ]
    for _, raw, profile, action in sorted(rows, key=lambda row: row[0], reverse=True)[:LOOKED_AT]:
        found = contract_in(bytes(raw), profile, action)
        if found is not None:
            return found
    return None


def contract_in(raw: bytes, profile: str, action: str) -> dict[str, Any] | None:
    """The whole contract that a stored message carries by itself, if it does."""
    try:
        told = dialect.understand(raw, profile=named(profile), action=action, network_id=settings.BECKN_NETWORK_ID)
    except WireError:
        return None
    contract: dict[str, Any] | None = told["message"].get("contract")
    return contract if contract and contract.get("commitments") else None


def signed_with(*, role: str, peer: str, action: str, message_id: uuid.UUID) -> list[str]:
    """The Authorization headers of our request that callback `action` answers, one an attempt; empty when there is none."""
    requests = [name for name, spec in actions.ACTIONS.items() if spec.answer == action]
    asked = OutboxMessage.objects.filter(role=role, to=peer, action__in=requests, message_id=message_id).values_list(
        "authorizations", flat=True
    )
    return list(asked.first() or [])
