"""The actions of 2.0.0 LTS: who sends each and who receives it, which member its message carries, and what answers it.

This is the network's whole vocabulary. Which of it an installation serves is said by its handlers (beckn.ports); an action
that stands here without a handler is answered NET_NOT_IMPLEMENTED, a word that does not stand here is no action at all.
A role is `bap` (the buyer's side), `bpp` (the seller's side) or `ds`, the network's discovery and catalogue service, which
stands for all sellers when buyers discover, and which has no identity of its own in a context.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

# The message member of each request between buyer and seller, and of the callback that answers it.
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
    """One action: the roles that send and receive it, the usual one first, and the member its message must have.

    `answer` is the callback it is owed; a request without one is answered synchronously. `also` are other spellings that
    the standard gives it in context.action.
    """

    name: str
    senders: tuple[str, ...]
    receivers: tuple[str, ...]
    member: str
    answer: str = ""
    also: tuple[str, ...] = ()

    @property
    def is_callback(self) -> bool:
        """Whether it answers, or reports without being asked; nothing is owed for it."""
        return self.name.rpartition("/")[2].startswith("on_")

    @property
    def receiver(self) -> str:
        """The role it is usually sent to."""
        return self.receivers[0]

    @property
    def sender(self) -> str:
        """The role it is usually sent by."""
        return self.senders[0]

    def is_spelt(self, word: str) -> bool:
        """Whether `word` in context.action means it."""
        return word == self.name or word in self.also


BUYER, SELLER, SERVICE = ("bap",), ("bpp",), ("ds",)
ASKED = {name: Action(name, BUYER, SELLER, asked, f"on_{name}") for name, (asked, _) in MEMBERS.items()}
ANSWERED = {f"on_{name}": Action(f"on_{name}", SELLER, BUYER, answered) for name, (_, answered) in MEMBERS.items()}
CATALOGUE = (
    Action("catalog/publish", SELLER, SERVICE, "catalogs", "catalog/on_publish", ("catalog_publish",)),
    Action("catalog/on_publish", SERVICE, SELLER, "results", also=("on_catalog_publish",)),
    Action("catalog/subscription", BUYER, SERVICE, "subscription"),
    Action("catalog/pull", BUYER, SERVICE, "mode", "on_catalog_pull"),
    Action("on_catalog_pull", SERVICE, BUYER, "requestId"),
    Action("catalog/master_search", BUYER, SERVICE, "", also=("catalog/master/search",)),
)
ACTIONS = {
    **ASKED,
    **ANSWERED,
    **{action.name: action for action in CATALOGUE},
    "discover": replace(ASKED["discover"], receivers=(*SELLER, *SERVICE)),
    "on_discover": replace(ANSWERED["on_discover"], senders=(*SELLER, *SERVICE)),
}


def known(name: str, receiver: str) -> Action | None:
    """The action `name` if it is one that role `receiver` receives."""
    action = ACTIONS.get(name)
    return action if action is not None and receiver in action.receivers else None
