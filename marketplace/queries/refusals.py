"""Requests that were refused at the Beckn door and became no message, for whoever helps a peer to be understood.

They belong to no deal, and nothing in them is verified. They show the traffic of the whole installation, so only its platform
administrators and the administrators of an organisation that trades here read them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from beckn.models import RefusedRequest
from marketplace.models import Membership, User
from marketplace.rules.roles import Action, may

SHOWN = 50


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """One refused request. `claimed` is who its header says it is; `beginning` is the body's first bytes as text."""

    id: int
    at: datetime
    address: str
    path: str
    claimed: str
    key_id: str
    status: int
    code: str
    reason: str
    pointer: str
    size: int
    digest: str
    beginning: str
    unrecorded: int


def may_see_refusals(user: User) -> bool:
    """Whether `user` may send messages again somewhere: whoever puts messages right sees what was refused."""
    if user.is_superuser and user.acting_for is None:
        return True
    held = Membership.objects.filter(user=user)
    if user.acting_for is not None:
        held = held.filter(organisation=user.acting_for)
    return any(may(role, Action.REDRIVE) for role in held.values_list("role", flat=True))


def refusals(user: User, *, limit: int = SHOWN) -> tuple[RefusalRow, ...]:
    """The newest refused requests, or none for whoever may not see them."""
    if not may_see_refusals(user):
        return ()
    return tuple(refusal_row(row) for row in RefusedRequest.objects.order_by("-at", "-pk")[:limit])


def refusal_row(row: RefusedRequest) -> RefusalRow:
    """One row; bytes that are no text are shown as replacement signs."""
    kept = ("address", "path", "claimed", "key_id", "status", "code", "reason", "pointer", "size", "digest")
    named = {name: getattr(row, name) for name in (*kept, "unrecorded", "at")}
    return RefusalRow(id=row.pk, beginning=bytes(row.beginning).decode("utf-8", "replace"), **named)
