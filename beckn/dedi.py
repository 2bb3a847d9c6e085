"""The second spelling of a registry: a DeDi directory, asked for one key at a time by address instead of by query.

Records are written for others here and read from others. Who may be in them is the registry's affair (beckn.registry).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from beckn.models import Subscriber

SUBSCRIBERS = "subscribers.beckn.one"  # the middle segment that means: by subscriber id and key id
SUFFIX = "|ed25519"
TTL_S = 300
# A record names no end; it is asked for again long before this.
ASSUMED_LIFE = timedelta(days=1)


def path_for(subscriber_id: str, key_id: str) -> str:
    """Where a key is asked for, below the directory's address."""
    return f"/lookup/{quote(subscriber_id, safe='')}/{SUBSCRIBERS}/{quote(key_id, safe='')}"


def bare(name: str) -> str:
    """A record's name without the algorithm that a key id may end with.

    >>> bare("bpp-1|ed25519")
    'bpp-1'
    """
    return name.removesuffix(SUFFIX)


def record(row: Subscriber, *, network_id: str, now: datetime) -> dict[str, Any]:
    """A row as a directory's answer. `ttl` says in seconds how long it may be repeated: never past the key's end."""
    since = row.valid_from.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "message": "ok",
        "data": {
            "record_id": row.key_id,
            "details": {
                "url": row.url,
                "type": row.role.upper(),
                "subscriber_id": row.subscriber_id,
                "signing_public_key": row.public_key,
                "encr_public_key": row.encr_public_key,
                "valid_from": row.valid_from.isoformat(),
                "valid_until": row.valid_until.isoformat(),
            },
            "network_memberships": [network_id],
            "meta": {},
            "ttl": max(1, min(TTL_S, int((row.valid_until - now).total_seconds()))),
            "created_at": since,
            "updated_at": since,
        },
    }


def subscription(told: Any, *, key_id: str, network_id: str, now: datetime) -> dict[str, Any] | None:
    """A directory's answer in the words of beckn.registry, or None when it is no record or of another network.

    A record that lists no network is taken: some directories know none.
    """
    data = told.get("data") if isinstance(told, Mapping) else None
    details = data.get("details") if isinstance(data, Mapping) else None
    if not isinstance(data, Mapping) or not isinstance(details, Mapping):
        return None
    networks = data.get("network_memberships")
    if networks and network_id not in networks:
        return None
    return {
        "valid_from": data.get("created_at") or (now - timedelta(minutes=1)).isoformat(),
        "valid_until": (now + ASSUMED_LIFE).isoformat(),
        **details,
        "key_id": key_id,
        "status": "SUBSCRIBED",
        "ttl": data.get("ttl"),
    }
