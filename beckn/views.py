"""The development registry's door: look a subscriber up, list everybody, or ask to be admitted.

Reading answers what is public anyway; being admitted is judged in beckn.subscriptions. Messages do not come in here
(beckn.receive).
"""

from __future__ import annotations

from typing import Any, TypeGuard

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from beckn import dedi, subscriptions
from beckn.models import Subscriber
from beckn.registry import in_force, to_subscription
from beckn.wire import body
from beckn.wire.errors import WireError

LARGEST_QUERY = 4096
MOST = 1000
LONGEST_ID = 255


@csrf_exempt
@require_POST
def lookup(request: HttpRequest) -> JsonResponse:
    """POST {"subscriber_id", "key_id" or "ukId"}: an array of subscriptions, also revoked ones, with their status."""
    raw = body_of(request)
    try:
        wanted = body.parse(raw) if raw is not None else {}
    except WireError:
        wanted = {}
    subscriber_id, key_id = wanted.get("subscriber_id"), wanted.get("key_id") or wanted.get("ukId") or ""
    if not is_name(subscriber_id) or not isinstance(key_id, str) or (key_id and not is_name(key_id)):
        return JsonResponse(
            {"detail": 'Send {"subscriber_id": "...", "key_id": "..."} as JSON; key_id may be left out.'}, status=400
        )
    rows = Subscriber.objects.filter(subscriber_id=subscriber_id, fetched_at=None)
    if key_id:
        rows = rows.filter(key_id=key_id)
    now = timezone.now()
    return JsonResponse([to_subscription(row, now) for row in rows.order_by("pk")[:MOST]], safe=False)


def body_of(request: HttpRequest) -> bytes | None:
    """A small body; None for one that is longer, or does not say how long it is."""
    length = request.headers.get("Content-Length") or "0"
    return request.body if length.isascii() and length.isdigit() and int(length[:9]) <= LARGEST_QUERY else None


def is_name(value: Any) -> TypeGuard[str]:
    """Whether a value can be an id at all: printable ASCII that fits the column."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_ID and value.isascii() and value.isprintable()


@csrf_exempt
@require_safe
def subscribers(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - a view's signature
    """GET everybody whose key is in force here, at most MOST of them."""
    now = timezone.now()
    rows = in_force(now).filter(fetched_at=None)
    return JsonResponse([to_subscription(row, now) for row in rows.order_by("pk")[:MOST]], safe=False)


@csrf_exempt
@require_POST
def subscribe(request: HttpRequest) -> JsonResponse:
    """POST a signed Subscription with a nonce: {"status": "UNDER_SUBSCRIPTION"}, and a challenge follows at on_subscribe."""
    raw = body_of(request)
    try:
        if raw is None:
            raise WireError("SCH_INVALID_FORMAT", f"Send at most {LARGEST_QUERY} bytes.", http_status=413)
        authorization = request.headers.get("Authorization", "")
        return JsonResponse({"status": subscriptions.receive(raw, authorization=authorization, now=timezone.now())})
    except WireError as problem:
        told = {"code": problem.code, "message": problem.message, "path": problem.path}
        return JsonResponse(
            {"message": {"ack": {"status": "NACK"}, "error": told}, "error": told}, status=problem.http_status
        )


@csrf_exempt
@require_safe
def directory_key(request: HttpRequest, subscriber_id: str, key_id: str) -> JsonResponse:  # noqa: ARG001
    """GET one key as a DeDi record: 404 when there is none, 410 when it is revoked or over."""
    rows = Subscriber.objects.filter(subscriber_id=subscriber_id, key_id=dedi.bare(key_id), fetched_at=None)
    return directory_answer(rows.first())


@csrf_exempt
@require_safe
def directory_record(request: HttpRequest, namespace: str, registry: str, record: str) -> JsonResponse:  # noqa: ARG001
    """GET {namespace}/{registry}/{record}: a key of this network by its id alone, if only one subscriber has it."""
    rows = []
    if f"{namespace}/{registry}" == settings.BECKN_NETWORK_ID:
        rows = list(Subscriber.objects.filter(key_id=dedi.bare(record), fetched_at=None)[:2])
    return directory_answer(rows[0] if len(rows) == 1 else None)


def directory_answer(row: Subscriber | None) -> JsonResponse:
    """A record, or why there is none."""
    now = timezone.now()
    if row is None:
        return JsonResponse({"message": "There is no such record."}, status=404)
    if row.status != Subscriber.Status.SUBSCRIBED or row.valid_until <= now:
        return JsonResponse({"message": "The key is revoked or over."}, status=410)
    return JsonResponse(dedi.record(row, network_id=settings.BECKN_NETWORK_ID, now=now))
