"""The development registry's door: look a subscriber up, or list everybody, so that two installations can find each other.

It answers what is public anyway. Messages do not come in here (beckn.receive).
"""

from __future__ import annotations

import json
from typing import Any, TypeGuard

from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from beckn.models import Subscriber
from beckn.registry import in_force, to_subscription

LARGEST_QUERY = 4096
MOST = 1000
LONGEST_ID = 255


@csrf_exempt
@require_POST
def lookup(request: HttpRequest) -> JsonResponse:
    """POST {"subscriber_id", "key_id" or "ukId"}: an array of subscriptions, also revoked ones, with their status."""
    try:
        length = int(request.headers.get("Content-Length") or 0)
        query = json.loads(request.body) if length <= LARGEST_QUERY else None
    except (ValueError, RecursionError):
        query = None
    wanted = query if isinstance(query, dict) else {}
    subscriber_id, key_id = wanted.get("subscriber_id"), wanted.get("key_id") or wanted.get("ukId") or ""
    if not is_name(subscriber_id) or not isinstance(key_id, str) or (key_id and not is_name(key_id)):
        return JsonResponse(
            {"detail": 'Send {"subscriber_id": "...", "key_id": "..."} as JSON; key_id may be left out.'}, status=400
        )
    rows = Subscriber.objects.filter(subscriber_id=subscriber_id, fetched_at=None)
    if key_id:
        rows = rows.filter(key_id=key_id)
    return JsonResponse([to_subscription(row) for row in rows.order_by("pk")[:MOST]], safe=False)


def is_name(value: Any) -> TypeGuard[str]:
    """Whether a value can be an id at all: printable ASCII that fits the column."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_ID and value.isascii() and value.isprintable()


@require_safe
def subscribers(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - a view's signature
    """GET everybody whose key is in force here, at most MOST of them."""
    rows = in_force(timezone.now()).filter(fetched_at=None)
    return JsonResponse([to_subscription(row) for row in rows.order_by("pk")[:MOST]], safe=False)
