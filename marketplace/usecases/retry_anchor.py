"""Give an anchor that failed another try, once what it failed for has been seen to. A failed head holds every later one up."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from marketplace import events, notify
from marketplace.ledger import sender
from marketplace.models import Anchor, User
from marketplace.rules.errors import MarketError
from marketplace.rules.roles import Action, require


def retry_anchor(*, anchor: Anchor, user: User | None, now: datetime, sent_now: datetime) -> None:
    """Put `anchor` back in line. `now` is the market's, `sent_now` real time, on which anchors live.

    The chain serves every organisation, so its anchors are a platform administrator's; `user` is None for whoever has the
    machine's command line. The signed transactions it had stay watched: if one was mined after all, that is what counts.
    Raises MarketError when the user may not, or when the anchor has not failed.
    """
    if user is not None:
        require("ADMIN" if user.is_superuser else None, Action.ANCHOR)
    with transaction.atomic():
        row = Anchor.objects.select_for_update(of=("self",)).get(pk=anchor.pk)
        if row.state != Anchor.State.FAILED:
            said = f"{row.get_kind_display()} {number_of(row)} has not failed: it is {row.get_state_display().lower()}."
            raise MarketError("ANCHOR_NOT_FAILED", said, fix="Only a failed one is sent again by hand.")
        events.append(
            type="anchor.retried",
            subject=f"anchor:{row.pk}",
            payload={
                "kind": row.kind,
                "number": number_of(row),
                "failed_for": row.last_error,
                "person": user.pk if user else 0,
            },
            organisations=[],
            now=now,
        )
        sender.retry(row, now=sent_now)
        notify.changed("ledger")


def number_of(anchor: Anchor) -> int:
    """A head's number, or the row's for a batch of records, which has no other."""
    return anchor.pk if anchor.seq is None else anchor.seq
