"""A network with a registry in the dialect of 1.1: who is there, with which key, and being admitted oneself."""

from __future__ import annotations

import json
import secrets
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from beckn.client.identity import Identity
from beckn.client.registry import NetworkError, Peer, answer_of, peer_of, unknown_key
from beckn.wire import body, signing

YEAR = timedelta(days=365)
ASK_AGAIN_S = 0.2


class Network:
    """A registry by its address. Keys are remembered for the length of one purchase."""

    def __init__(self, registry_url: str) -> None:
        self.url = registry_url.rstrip("/")
        self.keys: dict[tuple[str, str], Peer] = {}
        self.lock = threading.Lock()

    def ask(self, path: str, told: dict[str, Any] | None = None, *, signed_by: Identity | None = None) -> Any:
        """One answer of the registry as JSON. Raises NetworkError."""
        raw = body.dump(told) if told is not None else b""
        headers = {"Content-Type": "application/json"} if raw else {}
        if signed_by is not None:
            headers["Authorization"] = signing.sign(raw, signed_by.signer, now=timezone.now())
        status, found = answer_of(f"{self.url}{path}", raw, headers)
        if status != 200:
            said = found.get("error", found) if isinstance(found, dict) else found
            raise NetworkError(f"the registry at {self.url} answered HTTP {status}: {json.dumps(said)[:300]}")
        return found

    def key(self, subscriber_id: str, key_id: str) -> Peer:
        """Whose key it is. Raises WireError when the registry knows no such key in force."""
        with self.lock:
            if (subscriber_id, key_id) not in self.keys:
                told = self.ask("/lookup", {"subscriber_id": subscriber_id, "key_id": key_id})
                for peer in peers(told):
                    self.keys[(peer.party.subscriber_id, peer.key_id)] = peer
            found = self.keys.get((subscriber_id, key_id))
        if found is None:
            raise unknown_key(subscriber_id, key_id)
        return found

    def sellers(self) -> list[Peer]:
        """Every seller in force, one entry each."""
        found = {peer.party.subscriber_id: peer for peer in peers(self.ask("/subscribers")) if peer.role == "bpp"}
        return list(found.values())

    def seller(self, subscriber_id: str, key_id: str) -> Peer:  # noqa: ARG002 - any key of a seller will do
        """The seller to buy from: the one named, or the only one there is. Raises NetworkError."""
        sellers = self.sellers()
        found = [peer for peer in sellers if subscriber_id in ("", peer.party.subscriber_id)]
        if len(found) == 1:
            return found[0]
        names = ", ".join(sorted(peer.party.subscriber_id for peer in sellers)) or "nobody"
        wanted = f"there is no seller {subscriber_id!r}" if subscriber_id else "choose a seller with --bpp"
        raise NetworkError(f"{wanted}; on the network: {names}")

    def knows(self, identity: Identity, url: str) -> bool:
        """Whether the registry holds exactly our key at exactly our address."""
        signer = identity.signer
        told = self.ask("/lookup", {"subscriber_id": signer.subscriber_id, "key_id": signer.key_id})
        return any((peer.public_key, peer.party.url) == (signer.public_key, url) for peer in peers(told))

    def subscribe(self, identity: Identity, url: str) -> str:
        """Ask to be admitted; the registry then challenges us at {url}/on_subscribe. Returns the status it gives."""
        now = datetime.now(UTC)
        told = {
            "subscriber_id": identity.signer.subscriber_id,
            "url": url,
            "type": "BAP",
            "key_id": identity.signer.key_id,
            "signing_public_key": identity.signer.public_key,
            "encr_public_key": identity.encr_public_key,
            "valid_from": (now - timedelta(minutes=1)).isoformat(),
            "valid_until": (now + YEAR).isoformat(),
            "status": "SUBSCRIBED",
            "nonce": secrets.token_urlsafe(16),
        }
        answer = self.ask("/subscribe", told, signed_by=identity)
        return str(answer.get("status", "")) if isinstance(answer, dict) else ""

    def be_admitted(self, identity: Identity, url: str, *, within_s: float) -> None:
        """Be known to the registry at `url`, where the caller must be listening already. Raises NetworkError."""
        end = time.monotonic() + within_s
        if self.knows(identity, url):
            return
        self.subscribe(identity, url)
        while not self.knows(identity, url):
            if time.monotonic() > end:
                raise NetworkError(f"the registry at {self.url} did not admit us at {url} within {within_s:.0f} s")
            time.sleep(ASK_AGAIN_S)


def peers(told: Any) -> list[Peer]:
    """The participants in force in a registry's answer; what cannot be read is left out."""
    found = [peer_of(entry) for entry in told] if isinstance(told, list) else []
    return [peer for peer in found if peer is not None]
