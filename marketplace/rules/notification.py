"""The life of a position notification, which sales need one, and what a unit is called. Pure; it knows no rows.

No state says accepted, because the market has no signal that would: after the gate a sent notification is unconfirmed for
ever, and only an exception is ever heard.
"""

from __future__ import annotations

from enum import StrEnum

from flex_engine.settle.effective import rows_of
from marketplace.rules.order_state import InvalidTransitionError

BASIS = "P415_VTP"
MECHANISM = "P415"


class NotificationState(StrEnum):
    """Where a notification stands. WITHDRAWN was overtaken before it was sent; MISSED was not sent before the gate."""

    PLANNED = "PLANNED"
    SENT = "SENT"
    UNCONFIRMED = "UNCONFIRMED"
    EXCEPTION = "EXCEPTION"
    MISSED = "MISSED"
    WITHDRAWN = "WITHDRAWN"


class Alarm(StrEnum):
    """Why a notification needs a person: five minutes before the gate it was not sent, the gate closed, it came back."""

    LATE = "LATE"
    MISSED = "MISSED"
    EXCEPTION = "EXCEPTION"


N = NotificationState
STEPS: frozenset[tuple[NotificationState, NotificationState]] = frozenset(
    {
        (N.PLANNED, N.SENT),
        (N.PLANNED, N.MISSED),
        (N.PLANNED, N.WITHDRAWN),
        (N.SENT, N.UNCONFIRMED),
        (N.SENT, N.EXCEPTION),
        (N.UNCONFIRMED, N.EXCEPTION),
    }
)
WENT_OUT = (N.SENT, N.UNCONFIRMED, N.EXCEPTION)


def check_notification_step(before: str, after: NotificationState) -> None:
    """Raise InvalidTransitionError unless a notification may go from `before` to `after`."""
    if (NotificationState(before), after) not in STEPS:
        raise InvalidTransitionError(f"a notification cannot go from {before} to {after}")


def unit_of(site_id: int) -> str:
    """The secondary BM unit of a site: one unit a site, under a made-up participant's name, at most 11 characters.

    >>> unit_of(7), unit_of(12345)
    ('V__CACO007', 'V__C0012345')
    """
    return f"V__CACO{site_id:03d}" if site_id < 10_000 else f"V__C{site_id:07d}"


def wholesale_products() -> frozenset[str]:
    """Keys of the products whose sale is a P415 trade: what is sold under them is the position, dispatched or not."""
    return frozenset(row.key for row in rows_of("products") if row.values["regulatory_basis"] == BASIS)
