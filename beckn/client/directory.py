"""A network whose registry is a DeDi directory: one key at a time by address, nobody listed, nobody admitted through it.

So its seller must be named with a key of its own, and our key must have been entered by whoever keeps the directory.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from beckn import dedi
from beckn.client.identity import Identity
from beckn.client.registry import NetworkError, Peer, answer_of, peer_of, unknown_key


class Directory:
    """A DeDi directory by its address, below which `/lookup/` stands. Keys are remembered for the length of one purchase."""

    def __init__(self, url: str, network_id: str) -> None:
        self.url, self.network_id = url.rstrip("/"), network_id
        self.keys: dict[tuple[str, str], Peer] = {}
        self.lock = threading.Lock()

    def found(self, subscriber_id: str, key_id: str) -> Peer | None:
        """The record of a key, or None for one that is unknown, revoked or of another network. Raises NetworkError."""
        status, told = answer_of(f"{self.url}{dedi.path_for(subscriber_id, key_id)}", b"", {})
        if status in (404, 410):
            return None
        if status != 200:
            raise NetworkError(f"the directory at {self.url} answered HTTP {status} without a record")
        now = datetime.now(UTC)
        one = peer_of(dedi.subscription(told, key_id=key_id, network_id=self.network_id, now=now))
        return one if one and one.party.subscriber_id == subscriber_id else None

    def key(self, subscriber_id: str, key_id: str) -> Peer:
        """Whose key it is. Raises WireError when the directory holds no such key in force."""
        with self.lock:
            if (subscriber_id, key_id) not in self.keys:
                found = self.found(subscriber_id, key_id)
                if found is None:
                    raise unknown_key(subscriber_id, key_id)
                self.keys[(subscriber_id, key_id)] = found
            return self.keys[(subscriber_id, key_id)]

    def seller(self, subscriber_id: str, key_id: str) -> Peer:
        """The seller by its id and one of its keys. Raises NetworkError."""
        if not subscriber_id or not key_id:
            raise NetworkError(
                "a DeDi directory lists nobody: name the seller with --bpp and one of its keys with --bpp-key"
            )
        found = self.found(subscriber_id, key_id)
        if found is None or found.role != "bpp":
            raise NetworkError(f"the directory at {self.url} holds no seller {subscriber_id!r} with a key {key_id!r}")
        return found

    def be_admitted(self, identity: Identity, url: str, *, within_s: float) -> None:  # noqa: ARG002 - the port's shape
        """Make sure that the directory holds our key at `url`; only its keeper can enter it. Raises NetworkError."""
        signer = identity.signer
        found = self.found(signer.subscriber_id, signer.key_id)
        if found is None or (found.public_key, found.party.url) != (signer.public_key, url):
            raise NetworkError(
                f"the directory at {self.url} does not hold our key; have it entered as type BAP: subscriber_id "
                f"{signer.subscriber_id}, record {signer.key_id}, signing_public_key {signer.public_key}, url {url}"
            )
