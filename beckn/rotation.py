"""Replace one of our keys while messages are in flight: the new key signs from now on, the old one verifies until its end.

The order makes it safe to be killed anywhere and run again: the next key is stored, then made known, then used, and then the
others' end is set. With BECKN_REGISTRY_URL that registry is told first, signed with the key it knows, and the new key
is not used before it says that it is in force.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from beckn import egress, keys, registry
from beckn.keys import Held
from beckn.models import Subscriber
from beckn.wire import body, signing
from beckn.wire.context import Party
from beckn.wire.signing import Signer

YEARS = 2
ASK_AGAIN_S = 0.5


class RotationError(Exception):
    """The key was not replaced, and the old one goes on signing. The text says why; running it again goes on."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """What was replaced by what, and until when the old key verifies."""

    role: str
    old_key_id: str
    new_key_id: str
    old_valid_until: datetime


def rotate(role: str, *, overlap: timedelta, wait_s: float) -> Rotated:
    """Replace the key of `role`. Raises RotationError, or ImproperlyConfigured when there is none to replace."""
    old, new = keys.held(role), keys.prepare_next(role)
    now = timezone.now()
    until = now + overlap
    if settings.BECKN_REGISTRY_URL and role != keys.REGISTRY:
        announce(role, old.signer, new, wait_s=wait_s)
        ask(subscription(role, old, until=until), old.signer)
    enter(role, new, now=now)
    keys.promote_next(role)
    end_others(new.signer, until)
    return Rotated(role, old.signer.key_id, new.signer.key_id, until)


def url_of(role: str) -> str:
    """Where we listen as `role`."""
    if role == keys.REGISTRY:
        return f"{settings.PUBLIC_URL}/beckn/registry"
    return str(settings.BECKN_PARTICIPANTS[role]["url"])


def enter(role: str, held: Held, *, now: datetime) -> bool:
    """Make our key known in our own table. Whether that was news."""
    return registry.register(
        Party(held.signer.subscriber_id, url_of(role)),
        role=role,
        key_id=held.signer.key_id,
        public_key=held.signer.public_key,
        encr_public_key=held.encr_public_key,
        now=now,
    )


def end_others(signer: Signer, until: datetime) -> None:
    """Let every other key of ours verify until `until`, or until its own end if that is sooner."""
    others = Subscriber.objects.filter(subscriber_id=signer.subscriber_id, fetched_at=None, valid_until__gt=until)
    others.exclude(key_id=signer.key_id).update(valid_until=until)


def subscription(role: str, held: Held, *, until: datetime) -> dict[str, Any]:
    """Our key in the words a registry takes."""
    return {
        "subscriber_id": held.signer.subscriber_id,
        "url": url_of(role),
        "type": role.upper(),
        "key_id": held.signer.key_id,
        "signing_public_key": held.signer.public_key,
        "encr_public_key": held.encr_public_key,
        "valid_from": (timezone.now() - timedelta(minutes=1)).astimezone(UTC).isoformat(),
        "valid_until": until.astimezone(UTC).isoformat(),
        "status": "SUBSCRIBED",
        "nonce": secrets.token_urlsafe(16),
    }


def announce(role: str, signer: Signer, held: Held, *, wait_s: float) -> None:
    """Have the configured registry admit a key of ours, signed by one it knows; returns once it says that it is in force.

    Its challenge is answered by our running server. Raises RotationError.
    """
    if settings.BECKN_REGISTRY_KIND != "v1":
        raise RotationError("a DeDi directory is changed by its own tools; enter the key there, and it will be found")
    ask(subscription(role, held, until=timezone.now() + timedelta(days=365 * YEARS)), signer)
    named = {"subscriber_id": held.signer.subscriber_id, "key_id": held.signer.key_id}
    wait_for(lambda: in_force(egress.ask_by_post(named), held), wait_s)


def in_force(told: list[dict[str, Any]], held: Held) -> bool:
    """Whether the registry names exactly this key as subscribed."""
    return any(
        (one.get("signing_public_key"), one.get("status")) == (held.signer.public_key, "SUBSCRIBED") for one in told
    )


def wait_for(condition: Callable[[], bool], wait_s: float) -> None:
    """Ask until it is so."""
    end = time.monotonic() + wait_s
    while True:
        try:
            if condition():
                return
            problem = "it does not name the key yet; is our server running, where its challenge is answered?"
        except egress.EgressError as fault:
            problem = str(fault)
        if time.monotonic() > end:
            raise RotationError(f"{settings.BECKN_REGISTRY_URL} did not admit the key in {wait_s:.0f} s: {problem}")
        time.sleep(ASK_AGAIN_S)


def ask(told: dict[str, Any], signer: Signer) -> str:
    """POST a subscription to the configured registry; returns the status it gives. Raises RotationError."""
    raw = body.dump(told)
    try:
        answer = egress.post(
            f"{settings.BECKN_REGISTRY_URL}/subscribe",
            raw,
            headers={"Authorization": signing.sign(raw, signer, now=timezone.now())},
        )
        status = json.loads(answer.body).get("status") if answer.status == 200 else None
    except (OSError, ValueError, AttributeError) as problem:
        raise RotationError(f"{settings.BECKN_REGISTRY_URL} could not be asked: {problem}") from problem
    if not isinstance(status, str):
        said = answer.body[:300].decode("utf-8", "replace")
        raise RotationError(f"{settings.BECKN_REGISTRY_URL} answered HTTP {answer.status}: {said}")
    return status
