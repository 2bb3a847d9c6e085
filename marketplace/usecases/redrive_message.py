"""Give a Beckn message that ended undelivered or unhandled a fresh set of attempts. Its bytes stay the same."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from beckn import inbox, outbox
from beckn.models import InboxMessage, OutboxMessage
from marketplace import notify
from marketplace.models import Order, Organisation, Purchase, SearchResult, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.roles import Action, require


def redrive_message(*, message: InboxMessage | OutboxMessage, user: User, now: datetime) -> None:
    """Try `message` again. `now` is real time, not the market's: deliveries and their ttl live on it.

    Raises MarketError when the user may not, when it is not a dead letter, or when its time has ended.
    """
    organisation = owner_of(message)
    require(role_of(user, organisation) if organisation else admin_only(user), Action.REDRIVE)
    room = outbox if isinstance(message, OutboxMessage) else inbox
    with transaction.atomic():
        try:
            changed = room.redrive(message.pk, now=now)
        except ValueError as ended:
            raise MarketError(
                "MESSAGE_ENDED", f"It is too late: {ended}.", fix="Take the step again; that sends a new message."
            ) from ended
        if not changed:
            state = message.get_state_display().lower()
            raise MarketError("MESSAGE_NOT_DEAD", f"This message is {state}.", fix="Only dead letters are tried again.")
        notify.changed("operations")


def owner_of(message: InboxMessage | OutboxMessage) -> Organisation | None:
    """The organisation whose deal the message belongs to, or None for one that belongs to no deal of ours."""
    if message.role == "bpp":
        order = Order.objects.filter(transaction_id=message.transaction_id).select_related("offer__site__organisation")
        found = order.first()
        return found.offer.site.organisation if found else None
    for model in (Purchase, SearchResult):
        row = model.objects.filter(transaction_id=message.transaction_id).select_related("organisation").first()
        if row is not None:
            return row.organisation
    return None


def admin_only(user: User) -> str | None:
    """The role that counts for a message of no deal: a platform administrator's, or none."""
    return "ADMIN" if user.is_superuser else None
