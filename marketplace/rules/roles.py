"""What each role may do, as one table. Doors and use cases both ask `require`; nothing else decides permission."""

from __future__ import annotations

from enum import StrEnum

from marketplace.rules.errors import MarketError


class Action(StrEnum):
    """Every permission in the house."""

    VIEW = "view"
    UPLOAD_QUEUE = "upload a queue"
    PLAN = "plan a site"
    TRADE = "publish or withdraw an offer"
    BUY = "order and dispatch flexibility"
    METER = "record meter readings"
    SETTLE = "settle an activation"
    DISPUTE = "open, answer or decide a dispute"
    MANAGE = "manage members and keys"
    REDRIVE = "send or handle messages again"
    ANCHOR = "send an anchor again that failed"


ALLOWED: dict[str, frozenset[Action]] = {
    "VIEWER": frozenset({Action.VIEW}),
    "AUDITOR": frozenset({Action.VIEW}),
    "OPERATOR": frozenset({Action.VIEW, Action.UPLOAD_QUEUE, Action.PLAN, Action.METER}),
    "TRADER": frozenset({Action.VIEW, Action.UPLOAD_QUEUE, Action.PLAN, Action.TRADE, Action.BUY, Action.DISPUTE}),
    "SETTLEMENT": frozenset({Action.VIEW, Action.METER, Action.SETTLE, Action.DISPUTE}),
    "ADMIN": frozenset(Action),
}


def may(role: str | None, action: Action) -> bool:
    """Whether `role` may do `action`; None (not a member) may do nothing.

    >>> may("VIEWER", Action.TRADE), may("TRADER", Action.TRADE)
    (False, True)
    """
    return role is not None and action in ALLOWED.get(role, frozenset())


def require(role: str | None, action: Action) -> None:
    """Raise MarketError NOT_ALLOWED unless `role` may do `action`."""
    if not may(role, action):
        raise MarketError(
            "NOT_ALLOWED",
            f"Your role does not let you {action.value}.",
            fix="Ask an administrator of your organisation to change your role.",
        )
