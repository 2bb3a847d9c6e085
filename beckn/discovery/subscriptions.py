"""Subscriptions: kept for whoever asked, shown to nobody else, and served by an on_discover for everything published.

A delivery goes through the outbox, in the transaction of the publication, with the subscriber's own retry policy and to
its registered address: another address in a subscription could be anybody's.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings

from beckn import outbox, retry
from beckn.discovery.search import ENVELOPE
from beckn.models import Catalogue, CatalogueSubscription
from beckn.registry import UnknownPeerError
from beckn.wire import body, intent
from beckn.wire.context import Party
from beckn.wire.errors import WireError
from beckn.wire.intent import Asker, Intent

log = logging.getLogger(__name__)
Status = CatalogueSubscription.Status
MOST = 100  # active subscriptions of one subscriber


def subscribe(
    wish: Mapping[str, Any], *, subscriber: Party, transaction_id: uuid.UUID, now: datetime
) -> CatalogueSubscription:
    """Keep a subscription, in the caller's transaction. Raises WireError for another network or address, or too many."""
    other = [name for name in wish["networkIds"] if name != settings.BECKN_NETWORK_ID]
    if other:
        raise WireError(
            "CTX_INVALID_FIELD", f"{other[0][:80]} is not a network served here.", "/message/subscription/networkIds"
        )
    wanted = str(wish.get("callbackUrl") or "").rstrip("/")
    if wanted and wanted not in (subscriber.url.rstrip("/"), f"{subscriber.url.rstrip('/')}/on_discover"):
        raise WireError(
            "CTX_INVALID_FIELD",
            f"Deliveries go to your registered address, {subscriber.url}; leave callbackUrl out or give that.",
            "/message/subscription/callbackUrl",
        )
    held = CatalogueSubscription.objects.filter(subscriber_id=subscriber.subscriber_id, status=Status.ACTIVE)
    if held.count() >= MOST:
        raise WireError("POL_GENERIC_ERROR", f"You have {MOST} active subscriptions; delete one first.")
    return CatalogueSubscription.objects.create(
        subscriber_id=subscriber.subscriber_id,
        transaction_id=transaction_id,
        network_ids=list(wish["networkIds"]),
        types=list(wish.get("schemaTypes") or []),
        callback_url=wanted,
        policy=plain(wish.get("deliveryPolicy") or {}),
        created_at=now,
        updated_at=now,
    )


def plain(value: Any) -> Any:
    """A policy as a JSON column keeps it; its few decimals are no money."""
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    return value if isinstance(value, int | str) else float(value)


def held_by(subscriber_id: str, subscription_id: uuid.UUID) -> CatalogueSubscription:
    """One subscription of this subscriber. Raises WireError with status 404; somebody else's looks the same as none."""
    found = CatalogueSubscription.objects.filter(pk=subscription_id, subscriber_id=subscriber_id).first()
    if found is None:
        raise WireError("BIZ_ITEM_NOT_FOUND", "You have no such subscription.", http_status=404)
    return found


def delete(subscription: CatalogueSubscription, *, now: datetime) -> None:
    """Deliver nothing to it from now on. Deleting twice changes nothing."""
    if subscription.status != Status.DELETED:
        subscription.status, subscription.updated_at = Status.DELETED, now
        subscription.save(update_fields=["status", "updated_at"])


def told(subscription: CatalogueSubscription) -> dict[str, Any]:
    """A subscription as the standard spells it."""
    return {
        "id": str(subscription.pk),
        "status": subscription.status,
        "networkIds": subscription.network_ids,
        "schemaTypes": subscription.types,
        **({"callbackUrl": subscription.callback_url} if subscription.callback_url else {}),
        **({"deliveryPolicy": exact(subscription.policy)} if subscription.policy else {}),
        "createdAt": subscription.created_at.isoformat(),
        "updatedAt": subscription.updated_at.isoformat(),
    }


def exact(value: Any) -> Any:
    """A stored policy with numbers that go onto the wire."""
    if isinstance(value, Mapping):
        return {name: exact(item) for name, item in value.items()}
    return body.decimal(repr(value)) if isinstance(value, float) else value


def deliver(row: Catalogue, *, now: datetime) -> int:
    """Send a catalogue that was just published to everybody who subscribed to it; how many that are."""
    catalog = body.load(bytes(row.body))
    sent = 0
    for subscription in CatalogueSubscription.objects.filter(status=Status.ACTIVE).order_by("created_at"):
        if row.network_id not in subscription.network_ids or row.is_master:
            continue
        part = seen_by(catalog, subscription, network_id=row.network_id, now=now)
        if part is not None:
            sent += push(part, subscription)
    return sent


def seen_by(
    catalog: Mapping[str, Any], subscription: CatalogueSubscription, *, network_id: str, now: datetime
) -> dict[str, Any] | None:
    """What of a catalogue a subscriber is sent; an empty one tells that what it was sent before is no longer on sale."""
    types = subscription.types
    if types and not any(
        (one.get("resourceAttributes") or {}).get("@context") in types for one in catalog.get("resources") or []
    ):
        return None if catalog.get("resources") else emptied(catalog)
    asker = Asker(subscription.subscriber_id, network_id)
    found = intent.matching([catalog], Intent(types=frozenset(types)), now=now, asker=asker)
    return found[0] if found else emptied(catalog)


def emptied(catalog: Mapping[str, Any]) -> dict[str, Any]:
    """A catalogue with nothing in it."""
    return {**catalog, "resources": [], "offers": []}


def push(catalog: dict[str, Any], subscription: CatalogueSubscription) -> bool:
    """Store one delivery. What cannot be delivered is written down on the subscription; the publication stands."""
    policy = subscription.policy
    largest = min(int(policy.get("maxPayloadBytes") or settings.BECKN_MAX_BODY), settings.BECKN_MAX_BODY) - ENVELOPE
    if body.size(catalog) > largest:
        note(
            subscription,
            f"catalogue {catalog['id']} has more than the {largest} bytes that fit into one delivery; pull it",
        )
        return False
    try:
        outbox.send(
            role="ds",
            action="on_discover",
            message={"catalogs": [catalog]},
            to=subscription.subscriber_id,
            transaction_id=subscription.transaction_id,
            policy={**retry.POLICY, **(policy.get("retryPolicy") or {}), **timeout_of(policy)},
        )
    except UnknownPeerError as problem:
        subscription.status = Status.INACTIVE
        note(subscription, str(problem))
        return False
    return True


def timeout_of(policy: Mapping[str, Any]) -> dict[str, Any]:
    """How long an attempt may take, where the subscriber said so."""
    return {"timeoutSeconds": policy["timeoutSeconds"]} if "timeoutSeconds" in policy else {}


def note(subscription: CatalogueSubscription, problem: str) -> None:
    """Write down why nothing was sent."""
    log.warning("subscription %s of %s: %s", subscription.pk, subscription.subscriber_id, problem)
    subscription.problem = problem[:2000]
    subscription.save(update_fields=["status", "problem"])
