"""Signed requests that are answered at once: who signed, what was asked, and an answer that is signed as well.

A GET or DELETE has no body, so its signature covers zero bytes: it shows who asks, and neither what for nor of whom. It
gives access to the signer's own things alone, and lives five minutes. A POST is a message like any other: checked in full,
stored once with its answer, and answered to every copy with the same bytes.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from beckn import egress, keys, registry
from beckn.models import InboxMessage
from beckn.registry import Record
from beckn.wire import actions, body, context, media, receipts, schema, signing
from beckn.wire.errors import WireError

ROLE = "ds"
Asked = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Signed:
    """A request whose signature holds."""

    signer: Record
    raw: bytes
    authorization: str
    now: datetime
    method: str


View = Callable[..., bytes]


def signed(*methods: str) -> Callable[[View], Callable[..., HttpResponse]]:
    """Make a view of a function from (Signed, path arguments) to an answer's bytes; refusals become signed NACKs."""

    def decorate(view: View) -> Callable[..., HttpResponse]:
        @csrf_exempt
        @wraps(view)
        def answer(request: HttpRequest, **arguments: Any) -> HttpResponse:
            if request.method not in methods:
                return HttpResponse(status=405, headers={"Allow": ", ".join(methods)})
            raw = b""
            try:
                raw = body_of(request)
                return respond(view(check(request, raw), **arguments), 200)
            except WireError as problem:
                return refuse(problem, raw)

        return answer

    return decorate


def body_of(request: HttpRequest) -> bytes:
    """The raw body of a POST: JSON of bounded size, with its length before it or in chunks; a GET or DELETE has none."""
    if request.method != "POST":
        return b""
    media.check(request.headers.get("Content-Type", ""), request.headers.get("Content-Encoding", ""))
    limit = settings.BECKN_MAX_BODY
    try:
        raw = chunked(request, limit) if "Transfer-Encoding" in request.headers else request.body
    except RequestDataTooBig:
        raw = b" " * (limit + 1)
    if len(raw) > limit:
        raise WireError("SCH_INVALID_FORMAT", f"The body is longer than {limit} bytes.", http_status=413)
    return raw


def chunked(request: HttpRequest, limit: int) -> bytes:
    """A body that does not say how long it is, which Django takes for none: what there is, one byte beyond `limit` at most."""
    raw: bytes = request.META["wsgi.input"].read(limit + 1)
    return raw


def check(request: HttpRequest, raw: bytes) -> Signed:
    """Raise WireError unless a participant whose key is in force signed exactly these bytes."""
    authorization = request.headers.get("Authorization", "")
    found = signing.parse(authorization)
    now = timezone.now()
    signing.check_times(found, now=now)
    fetch = egress.ask_registry if settings.BECKN_REGISTRY_URL else None
    signer = registry.lookup(found.subscriber_id, found.key_id, now=now, fetch=fetch)
    signing.verify(found, raw, signer.public_key)
    return Signed(signer, raw, authorization, now, str(request.method))


def respond(raw: bytes, status: int) -> HttpResponse:
    """An answer, signed in its header over its own bytes."""
    response = HttpResponse(raw, status=status, content_type="application/json")
    response["Signature"] = signing.sign(raw, keys.own(ROLE), now=timezone.now())
    response["Cache-Control"] = "no-store"
    return response


def refuse(problem: WireError, raw: bytes) -> HttpResponse:
    """A NACK."""
    ours = keys.own(ROLE)
    receipt = receipts.nack(problem, request=raw, message_id=id_in(raw), signer=ours, now=timezone.now())
    response = respond(receipt, problem.http_status)
    if problem.http_status == 401:
        response["WWW-Authenticate"] = f'Signature realm="{ours.subscriber_id}",headers="{signing.LINES}"'
    return response


def id_in(raw: bytes) -> str:
    """The message id of a body, where it has one."""
    try:
        return str(body.parse(raw).get("context", {}).get("messageId", ""))[:36]
    except (WireError, AttributeError):
        return ""


def message(asked: Signed, action: str) -> Asked:
    """The body of a POST as `action`, checked like any message. Raises WireError."""
    spec = actions.ACTIONS[action]
    if asked.signer.role not in spec.senders:
        raise WireError("AUT_UNAUTHORIZED_ACTION", f"A {asked.signer.role} does not send {action}.")
    told = body.parse(asked.raw)
    context.check(
        told.get("context"),
        action=action,
        us=keys.own(ROLE).subscriber_id,
        signer=asked.signer.party,
        network_id=settings.BECKN_NETWORK_ID,
        now=asked.now,
        role=ROLE,
        signer_role=asked.signer.role,
    )
    schema.validate(told)
    return told


def once(
    asked: Signed, action: str, told: Asked, make: Callable[[], bytes], *, handled: bool
) -> tuple[bytes, int | None]:
    """Make the answer and store it with the message, in one transaction; a copy gets the first answer and makes nothing.

    Returns the answer, and the row's key when the message is new. With `handled` False the worker still has to handle it.
    Raises WireError CTX_MESSAGE_ID_DUPLICATE when the id was used for another body.
    """
    found = first(asked, action, told)
    if found is not None:
        return found, None
    try:
        with transaction.atomic():
            row = row_of(asked, action, told, handled=handled)
            row.receipt = make()
            row.save()
            return bytes(row.receipt), row.pk
    except IntegrityError:  # a copy came at the same moment, and was first
        found = first(asked, action, told)
        if found is None:
            raise
        return found, None


def first(asked: Signed, action: str, told: Asked) -> bytes | None:
    """The answer that this message got when it came first."""
    row = InboxMessage.objects.filter(
        role=ROLE, subscriber_id=asked.signer.subscriber_id, action=action, message_id=told["context"]["messageId"]
    ).first()
    if row is not None and row.digest != digest_of(asked.raw):
        raise WireError(
            "CTX_MESSAGE_ID_DUPLICATE",
            "This messageId was used for another body; give a new message a new id.",
            "/context/messageId",
        )
    return bytes(row.receipt) if row is not None else None


def row_of(asked: Signed, action: str, told: Asked, *, handled: bool) -> InboxMessage:
    """The message's row, without its answer."""
    return InboxMessage(
        role=ROLE,
        subscriber_id=asked.signer.subscriber_id,
        action=action,
        message_id=uuid.UUID(told["context"]["messageId"]),
        transaction_id=uuid.UUID(told["context"]["transactionId"]),
        authorization=asked.authorization,
        public_key=asked.signer.public_key,
        raw=asked.raw,
        digest=digest_of(asked.raw),
        received_at=asked.now,
        stored_at=asked.now,
        next_attempt_at=asked.now,
        state=InboxMessage.State.HANDLED if handled else InboxMessage.State.RECEIVED,
        handled_at=asked.now if handled else None,
    )


def digest_of(raw: bytes) -> str:
    """The digest that the journal keeps of a body."""
    return hashlib.blake2b(raw, digest_size=64).hexdigest()
