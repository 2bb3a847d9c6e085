"""A network's registry as the standalone buyer needs it, in either dialect: whose key it is, who sells, and whether we are in it.

What the two dialects share stands here: the peer they name, and an answer as JSON. How each is asked is beckn.client.network
(the registry of 1.1, which also admits newcomers) and beckn.client.directory (DeDi, which only looks up).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol

from beckn import egress
from beckn.client.identity import Identity
from beckn.wire.context import Party
from beckn.wire.errors import WireError


class NetworkError(Exception):
    """The registry or a peer cannot be reached, or will not have us; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A participant as the registry names it."""

    party: Party
    role: str
    key_id: str
    public_key: str


class Registry(Protocol):
    """What the buyer asks of a registry."""

    url: str

    def key(self, subscriber_id: str, key_id: str) -> Peer:
        """Whose key it is. Raises WireError when there is no such key in force, NetworkError when nobody tells."""
        ...

    def seller(self, subscriber_id: str, key_id: str) -> Peer:
        """The seller to buy from; empty texts where the registry may choose. Raises NetworkError."""
        ...

    def be_admitted(self, identity: Identity, url: str, *, within_s: float) -> None:
        """Be known at `url`, where the caller must be listening already. Raises NetworkError."""
        ...


def answer_of(url: str, raw: bytes, headers: dict[str, str]) -> tuple[int, Any]:
    """Status and JSON of a registry's answer: to a POST, or to a GET where there is nothing to say. Raises NetworkError.

    A refusal needs no JSON; it is None then.
    """
    try:
        answer = egress.exchange("POST" if raw else "GET", url, raw, headers=headers, largest=egress.LARGEST_DIRECTORY)
    except OSError as problem:
        raise NetworkError(f"the registry at {url} does not answer as one: {problem}") from problem
    try:
        return answer.status, json.loads(answer.body)
    except (ValueError, RecursionError) as problem:
        if answer.status != 200:
            return answer.status, None
        raise NetworkError(f"the registry at {url} does not answer as one: {problem}") from problem


def peer_of(entry: Any) -> Peer | None:
    """A participant in force from a subscription in the words of 1.1, or None when it cannot be used."""
    told = {name: value for name, value in entry.items() if isinstance(value, str)} if isinstance(entry, dict) else {}
    url, key_id = told.get("url") or told.get("subscriber_url", ""), told.get("key_id") or told.get("ukId", "")
    party = Party(told.get("subscriber_id", ""), url)
    one = Peer(party, told.get("type", "").lower(), key_id, told.get("signing_public_key", ""))
    usable = told.get("status") == "SUBSCRIBED" and all((party.subscriber_id, url, key_id, one.public_key))
    return one if usable else None


def unknown_key(subscriber_id: str, key_id: str) -> WireError:
    """The error for a key that is not in force."""
    return WireError("AUT_KEY_NOT_FOUND", f"The registry has no key {key_id[:60]} of {subscriber_id[:120]}.")
