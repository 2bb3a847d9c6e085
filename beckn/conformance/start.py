"""A kit made ready: its keys, its listener, and what it says to whoever calls back."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from nacl.signing import SigningKey

from beckn.conformance.kit import Kit
from beckn.conformance.listener import Callback, Listener
from beckn.conformance.speech import Identity, Target
from beckn.wire import receipts
from beckn.wire.signing import Signer


def identities(subscriber_id: str, url: str, seeds: dict[str, str] | None = None) -> dict[str, Identity]:
    """`main`, `other` and `revoked`; new keys unless `seeds` (hex, by name) are given."""
    owners = {"main": subscriber_id, "other": f"other.{subscriber_id}", "revoked": subscriber_id}
    made = {}
    for name, owner in owners.items():
        seed = bytes.fromhex(seeds[name]) if seeds else secrets.token_bytes(32)
        key = SigningKey(seed)
        made[name] = Identity(owner, f"kit-{name}-{bytes(key.verify_key).hex()[:8]}", key, url)
    return made


def new_seeds() -> dict[str, str]:
    """Secret seeds for `identities`, to be kept where nobody else reads them."""
    return {name: secrets.token_hex(32) for name in ("main", "other", "revoked")}


@contextmanager
def started(
    target: Target, who: dict[str, Identity], *, host: str = "127.0.0.1", port: int = 0, **options: Any
) -> Iterator[Kit]:
    """A kit with its listener open. Where the identities have no URL, it is the listener's own address."""
    kit: Kit
    here = "bpp" if target.role == "bap" else "bap"

    def receipt(callback: Callback) -> bytes:
        return acknowledgement(kit, callback)

    with Listener(receipt, host=host, port=port).listening() as listener:
        url = f"http://{host}:{listener.port}/{here}"
        named = {name: replace(one, url=one.url or url) for name, one in who.items()}
        kit = Kit(target, named["main"], named["other"], named["revoked"], listener, **options)
        yield kit


def acknowledgement(kit: Kit, callback: Callback) -> bytes:
    """Our receipt for a callback."""
    if kit.target.is_v1:
        return json.dumps({"message": {"ack": {"status": "ACK"}}}).encode()
    signer = Signer(kit.main.subscriber_id, kit.main.key_id, kit.main.secret)
    return receipts.ack(request=callback.raw, message_id=callback.message_id, signer=signer, now=callback.instant)
