"""How somebody new comes onto the network: asks our registry to be admitted, proves who it is, and is entered.

A newcomer signs with the key it brings. Whoever is known already signs with a key in force, so that nobody else can add one.
Then the registry sends a challenge, sealed for the newcomer's encryption key, to the address it named: only who holds both
can answer. Until then the key verifies nothing. Sealing is libsodium's sealed box (X25519, XSalsa20, Poly1305), because the
standard names no cipher. The other side, answering such a challenge, is beckn.receive.challenge.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import logging
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from beckn import egress, keys, registry, retry, wake
from beckn.models import Subscriber, Subscription
from beckn.wire import body, signing
from beckn.wire.errors import WireError

log = logging.getLogger(__name__)
State = Subscription.State
MOST_PENDING, MOST_PENDING_EACH = 200, 5
MAX_ATTEMPTS = 5  # 2 + 4 + 8 + 16 s at most: a newcomer that cannot be reached asks again
KEPT = timedelta(days=1)  # a failed request stays to be looked at for so long
PAUSE = timedelta(seconds=egress.CONNECT_S + egress.TOTAL_S + 2)


def receive(raw: bytes, *, authorization: str, now: datetime) -> str:
    """Judge a request to be admitted; returns its status, UNDER_SUBSCRIPTION or, where nothing is to be proven, the new one.

    Raises WireError. The same nonce is the same request and starts nothing twice.
    """
    signature = signing.parse(authorization)
    signing.check_times(signature, now=now)
    told = body.parse(raw)
    found = registry.from_subscription(told)
    if found is None or found["role"] not in ("bap", "bpp"):
        raise WireError("SCH_SCHEMA_VALIDATION_FAILED", f"A subscription has each of {', '.join(FIELDS)}, all usable.")
    check_owner(found["subscriber_id"])
    known = list(Subscriber.objects.filter(subscriber_id=found["subscriber_id"], fetched_at=None))
    signing.verify(signature, raw, verifying_key(signature, found, known, now))
    same = next((row for row in known if row.key_id == found["key_id"]), None)
    if same is not None and is_same_key(same, found):
        return shorten(same, found)
    if told.get("status") not in (None, "INITIATED", "UNDER_SUBSCRIPTION", "SUBSCRIBED"):
        raise WireError("SCH_INVALID_ENUM", "A new key is asked for with status SUBSCRIBED.", "/status")
    return admit_later(found, told, is_first=not known, now=now)


FIELDS = (
    "subscriber_id",
    "url",
    "type (BAP or BPP)",
    "key_id",
    "signing_public_key",
    "encr_public_key",
    "valid_from",
    "valid_until",
    "nonce",
)


def check_owner(subscriber_id: str) -> None:
    """Our own participants are entered by our own commands only."""
    ours = {one["subscriber_id"] for one in settings.BECKN_PARTICIPANTS.values()} | {settings.BECKN_REGISTRY_ID}
    if subscriber_id in ours:
        raise WireError("AUT_UNAUTHORIZED_ACTION", f"{subscriber_id} is a participant of the registry's own house.")


def verifying_key(signature: signing.Signature, found: dict[str, Any], known: list[Subscriber], now: datetime) -> str:
    """The key that must have signed the request: one in force, or, of a newcomer, the one it brings."""
    if signature.subscriber_id != found["subscriber_id"]:
        raise WireError("AUT_UNAUTHORIZED_ACTION", "Who asks is not who is to be admitted.", "/subscriber_id")
    if known:
        return registry.lookup(signature.subscriber_id, signature.key_id, now=now).public_key
    if not settings.BECKN_REGISTRY_OPEN:
        raise WireError("AUT_UNAUTHORIZED_ACTION", "This registry admits nobody by itself.", http_status=403)
    if signature.key_id != found["key_id"]:
        raise WireError("AUT_KEY_NOT_FOUND", "A newcomer signs with the key it brings.", "/key_id")
    return str(found["public_key"])


def is_same_key(row: Subscriber, found: dict[str, Any]) -> bool:
    """Whether a request names a key that is in the registry already, at the same address."""
    return (row.public_key, row.url, row.role) == (found["public_key"], found["url"], found["role"])


def shorten(row: Subscriber, found: dict[str, Any]) -> str:
    """End a known key sooner, or at once. A longer life is not given for the asking."""
    if found["status"] == Subscriber.Status.REVOKED:
        row.status = Subscriber.Status.REVOKED
    row.valid_until = min(row.valid_until, found["valid_until"])
    row.save(update_fields=["status", "valid_until"])
    return "SUBSCRIBED" if row.status == Subscriber.Status.SUBSCRIBED else "UNSUBSCRIBED"


def admit_later(found: dict[str, Any], told: dict[str, Any], *, is_first: bool, now: datetime) -> str:
    """Store the request; the challenge goes out after commit."""
    nonce = told.get("nonce")
    if not isinstance(nonce, str) or not 0 < len(nonce) <= 100 or not nonce.isprintable():
        raise WireError("SCH_REQUIRED_FIELD_MISSING", "nonce must be a text of 1 to 100 characters.", "/nonce")
    if not found["encr_public_key"]:
        raise WireError(
            "SCH_REQUIRED_FIELD_MISSING", "encr_public_key must be the base64 of 32 bytes.", "/encr_public_key"
        )
    named = {"subscriber_id": found["subscriber_id"], "key_id": found["key_id"]}
    asked = {
        name: found[name] for name in ("role", "url", "public_key", "encr_public_key", "valid_from", "valid_until")
    }
    fresh = {"state": State.PENDING, "attempts": 0, "requested_at": now, "next_attempt_at": now, "problem": ""}
    with transaction.atomic():
        Subscription.objects.exclude(state=State.PENDING).filter(requested_at__lt=now - KEPT).delete()
        row = Subscription.objects.select_for_update().filter(**named).first()
        if row is not None and row.nonce == nonce:
            return "UNDER_SUBSCRIPTION"
        check_room(found["subscriber_id"])
        row, _ = Subscription.objects.update_or_create(
            **named, defaults=asked | fresh | {"nonce": nonce, "is_first": is_first}
        )
        wake.after_commit(wake.CHALLENGE, row.pk)
    return "UNDER_SUBSCRIPTION"


def check_room(subscriber_id: str) -> None:
    """Whoever asks costs us a call; so many may wait, and no more."""
    waiting = Subscription.objects.filter(state=State.PENDING)
    if waiting.count() >= MOST_PENDING or waiting.filter(subscriber_id=subscriber_id).count() >= MOST_PENDING_EACH:
        raise WireError("AUT_RATE_LIMITED", "Too many requests wait for their challenge; ask later.", http_status=429)


def challenge(pk: int, *, now: datetime) -> str:
    """Send the challenge of request `pk` if it is due, and enter the key when it is answered; returns the state it is in."""
    row = Subscription.objects.get(pk=pk)
    mine = Subscription.objects.filter(pk=pk, state=State.PENDING, attempts=row.attempts, next_attempt_at__lte=now)
    if not mine.update(attempts=row.attempts + 1, next_attempt_at=now + PAUSE):
        return row.state
    row.attempts += 1
    problem = ask(row, now=now)
    return conclude(row, problem, now=now)


def ask(row: Subscription, *, now: datetime) -> str:
    """One challenge and its answer; returns what was wrong, or nothing."""
    word = secrets.token_urlsafe(24)
    told = {"subscriber_id": row.subscriber_id, "status": "UNDER_SUBSCRIPTION"}
    try:
        raw = body.dump(told | {"challenge": sealed(word, row.encr_public_key)})
        header = signing.sign(raw, keys.own(keys.REGISTRY), now=now)
        got = egress.post(f"{row.url.rstrip('/')}/on_subscribe", raw, headers={"Authorization": header})
    except (egress.EgressError, ImproperlyConfigured, CryptoError) as problem:
        return str(problem)
    try:
        answer = json.loads(got.body).get("answer") if got.status == 200 else None
    except (ValueError, AttributeError, RecursionError):
        answer = None
    right = isinstance(answer, str) and answer.isascii() and hmac.compare_digest(answer, word)
    return "" if right else f"on_subscribe answered HTTP {got.status} without the word that was sealed"


def conclude(row: Subscription, problem: str, *, now: datetime) -> str:
    """Enter the key, or put the next attempt off."""
    with transaction.atomic():
        held = Subscription.objects.select_for_update().get(pk=row.pk)
        if (held.state, held.nonce) != (State.PENDING, row.nonce):
            return held.state
        others = Subscriber.objects.filter(subscriber_id=row.subscriber_id, fetched_at=None)
        if held.is_first and others.exists():
            held.state, held.problem = State.FAILED, "somebody else was admitted under this subscriber id meanwhile"
        elif problem:
            held.problem = problem[:2000]
            held.state = State.FAILED if held.attempts >= MAX_ATTEMPTS else State.PENDING
            held.next_attempt_at = now + retry.delay(held.attempts)
        else:
            enter(held)
            held.state, held.problem = State.ADMITTED, ""
        held.save()
    if held.state != State.ADMITTED:
        log.warning("%s is not admitted: %s", held.subscriber_id, held.problem)
    return held.state


def enter(row: Subscription) -> None:
    """The key verifies from now on."""
    told = {name: getattr(row, name) for name in ("role", "url", "public_key", "encr_public_key")}
    told |= {"valid_from": row.valid_from, "valid_until": row.valid_until, "status": Subscriber.Status.SUBSCRIBED}
    Subscriber.objects.update_or_create(
        subscriber_id=row.subscriber_id, key_id=row.key_id, defaults=told | {"fetched_at": None}
    )


def due(*, now: datetime, limit: int) -> list[int]:
    """The requests whose challenge is to be sent."""
    rows = Subscription.objects.filter(state=State.PENDING, next_attempt_at__lte=now)
    return list(rows.order_by("next_attempt_at").values_list("pk", flat=True)[:limit])


def sealed(word: str, encr_public_key: str) -> str:
    """A word that only the holder of an encryption key can read, in base64."""
    return base64.b64encode(SealedBox(PublicKey(base64.b64decode(encr_public_key))).encrypt(word.encode())).decode()


def opened(challenge: str, openers: list[PrivateKey]) -> str | None:
    """The word in a challenge that was sealed for one of our keys; None for anything else."""
    try:
        raw = base64.b64decode(challenge, validate=True)
    except (binascii.Error, ValueError):
        return None
    for key in openers:
        try:
            word = SealedBox(key).decrypt(raw).decode("utf-8")
        except (CryptoError, ValueError, TypeError):  # not sealed for this key, or no text
            continue
        return word if word.isprintable() and 0 < len(word) <= 500 else None
    return None
