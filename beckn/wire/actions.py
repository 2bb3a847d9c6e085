"""The transaction actions of 2.0.0 LTS: who receives each, and which member its message carries.

This is the network's whole vocabulary. Which of it an installation serves is said by its handlers (beckn.ports); an action
that stands here without a handler is answered NET_NOT_IMPLEMENTED, a word that does not stand here is no action at all.
"""

from __future__ import annotations

from dataclasses import dataclass

# The message member of each request and of the callback that answers it.
MEMBERS = {
    "discover": ("intent", "catalogs"),
    "select": ("contract", "contract"),
    "init": ("contract", "contract"),
    "confirm": ("contract", "contract"),
    "update": ("contract", "contract"),
    "status": ("contract", "contract"),
    "cancel": ("contract", "contract"),
    "track": ("tracking", "tracking"),
    "rate": ("ratingInputs", "ratings"),
    "support": ("support", "support"),
}


@dataclass(frozen=True, slots=True)
class Action:
    """One action: `receiver` is the role it is sent to, `member` the member its message must have."""

    name: str
    receiver: str
    member: str

    @property
    def is_callback(self) -> bool:
        """Whether it answers, or reports without being asked; callbacks go to the buyer's side."""
        return self.receiver == "bap"

    @property
    def sender(self) -> str:
        """The role it is sent by."""
        return "bpp" if self.receiver == "bap" else "bap"


ACTIONS = {
    **{name: Action(name, "bpp", asked) for name, (asked, _) in MEMBERS.items()},
    **{f"on_{name}": Action(f"on_{name}", "bap", answered) for name, (_, answered) in MEMBERS.items()},
}


def known(name: str, receiver: str) -> Action | None:
    """The action `name` if it is one that role `receiver` receives."""
    action = ACTIONS.get(name)
    return action if action is not None and action.receiver == receiver else None
