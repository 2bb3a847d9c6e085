"""What 1.1 calls the actions; all but two are the same words."""

from __future__ import annotations

from beckn.wire.actions import MEMBERS

OLD = {"discover": "search", "rate": "rating"}
SPOKEN = {action: OLD.get(action, action) for action in MEMBERS if not action.startswith("catalog")}
SPOKEN |= {f"on_{action}": f"on_{word}" for action, word in SPOKEN.items()}
MEANT = {word: action for action, word in SPOKEN.items()}


def of(action: str) -> str:
    """The word of 1.1 for a 2.0.0 action. Raises KeyError for what 1.1 does not have."""
    return SPOKEN[action]


def action_of(word: str) -> str:
    """The 2.0.0 action that a word of 1.1 means, or ""."""
    return MEANT.get(word, "")
