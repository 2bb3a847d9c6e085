"""What the discovery service answers at once: subscriptions, the receipt and the result of a pull, and master items."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.utils import timezone

from beckn import keys, wake
from beckn.discovery import pulls, subscriptions
from beckn.discovery.door import Signed, message, once, signed
from beckn.models import Catalogue, CatalogueSubscription
from beckn.wire import body, receipts
from beckn.wire.errors import WireError

PAGE, MOST_SUBSCRIPTIONS = 20, 1000


@signed("POST")
def subscribe(asked: Signed) -> bytes:
    """catalog/subscription: keep it, and answer with it."""
    told = message(asked, "catalog/subscription")

    def make() -> bytes:
        held = subscriptions.subscribe(
            told["message"]["subscription"],
            subscriber=asked.signer.party,
            transaction_id=uuid.UUID(told["context"]["transactionId"]),
            now=asked.now,
        )
        return answer(told, "catalog/on_subscription", {"subscriptions": [subscriptions.told(held)]})

    return once(asked, "catalog/subscription", told, make, handled=True)[0]


def answer(told: dict[str, Any], action: str, content: dict[str, Any]) -> bytes:
    """A synchronous answer: the request's context under the answer's name, and what was asked for."""
    stamp = timezone.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return body.dump({"context": told["context"] | {"action": action, "timestamp": stamp}, "message": content})


@signed("GET")
def list_subscriptions(asked: Signed) -> bytes:
    """GET catalog/subscriptions: those of whoever signed, deleted ones included, oldest first."""
    rows = CatalogueSubscription.objects.filter(subscriber_id=asked.signer.subscriber_id).order_by("created_at")
    return body.dump({"subscriptions": [subscriptions.told(row) for row in rows[:MOST_SUBSCRIPTIONS]]})


@signed("GET", "DELETE")
def one_subscription(asked: Signed, subscription_id: uuid.UUID) -> bytes:
    """GET or DELETE catalog/subscription/<id>: one of whoever signed, as it stands after the request."""
    held = subscriptions.held_by(asked.signer.subscriber_id, subscription_id)
    if asked.method == "DELETE":
        subscriptions.delete(held, now=asked.now)
    return body.dump(subscriptions.told(held))


@signed("POST")
def pull(asked: Signed) -> bytes:
    """catalog/pull: acknowledged with the id under which the result can be fetched; the worker makes it."""
    told = message(asked, "catalog/pull")
    request_id = told["context"]["messageId"].lower()

    def make() -> bytes:
        ack = {"status": "ACK", "requestId": request_id, "message": {"status": "ACK", "messageId": request_id}}
        return receipts.signed(ack, request=asked.raw, message_id=request_id, signer=keys.own("ds"), now=asked.now)

    receipt, pk = once(asked, "catalog/pull", told, make, handled=False)
    if pk is not None:
        wake.after_commit(wake.HANDLE, pk)
    return receipt


@signed("GET")
def pull_result(asked: Signed, request_id: uuid.UUID) -> bytes:
    """GET catalog/pull/result/<id>/catalogs.json: what was put together for whoever signed."""
    return bytes(pulls.held_by(asked.signer.subscriber_id, request_id).catalogs)


@signed("POST")
def master_search(asked: Signed) -> bytes:
    """catalog/master/search: items that catalogues may refer to, a page at a time."""
    told = message(asked, "catalog/master_search")
    filters, page = told["message"].get("filters") or {}, told["message"].get("pagination") or {}
    types, networks = filters.get("schemaTypes") or [], filters.get("networkIds") or [settings.BECKN_NETWORK_ID]
    found = [
        one
        for one in master_items(networks)
        if not types or (one.get("resourceAttributes") or {}).get("@context") in types
    ]
    limit, offset = int(page.get("limit", PAGE)), int(page.get("offset", 0))
    shown = {
        "resources": found[offset : offset + limit],
        "pagination": {"count": len(found), "limit": limit, "offset": offset},
    }
    return answer(told, "on_catalog_master_search", shown)


@signed("GET")
def master_types(asked: Signed) -> bytes:  # noqa: ARG001 - a view's signature
    """GET catalog/master/schemaTypes: the kinds of master items there are."""
    rows = masters([settings.BECKN_NETWORK_ID]).values_list("types", flat=True)
    return body.dump({"schemaTypes": sorted({name for types in rows for name in types})})


@signed("GET")
def master_item(asked: Signed, item_id: str) -> bytes:  # noqa: ARG001 - a view's signature
    """GET catalog/master/<id>: one master item."""
    found = next((one for one in master_items([settings.BECKN_NETWORK_ID]) if one["id"] == item_id), None)
    if found is None:
        raise WireError("BIZ_ITEM_NOT_FOUND", f"There is no master item {item_id[:80]}.", http_status=404)
    return body.dump(found)


def masters(networks: list[str]) -> Any:
    """The master catalogues of these networks."""
    return Catalogue.objects.filter(network_id__in=networks, is_master=True, is_active=True).order_by("pk")


def master_items(networks: list[str]) -> Iterator[dict[str, Any]]:
    """Every master item, in the order published."""
    for raw in masters(networks).values_list("body", flat=True).iterator(chunk_size=20):
        yield from body.load(bytes(raw)).get("resources") or []
