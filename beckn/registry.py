"""Who is on the network: which key verifies a subscriber, and at which URL it listens.

Rows without `fetched_at` are ours: the development registry. With settings.BECKN_REGISTRY_URL, subscribers that are not
ours are asked for there (`fetch`, which a higher floor passes in, because this one opens no connections) and kept in the
same table for a short while. What that registry says about our own subscribers is never believed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Q, QuerySet

from beckn.models import Subscriber
from beckn.wire.context import Party, parse_instant
from beckn.wire.errors import WireError
from beckn.wire.profile import LTS, Profile, named

FRESH = timedelta(minutes=5)  # how long an answer of another registry is used, unless it says for shorter
STALE = timedelta(minutes=15)  # and while that registry does not answer
DECISIVE = frozenset({"confirm", "cancel", "update"})  # nothing is believed from memory for these
ROLES = ("bap", "bpp", "ds", "registry")
LONGEST = {"subscriber_id": 255, "key_id": 80, "url": 500}  # the columns' widths
# Takes {subscriber_id, key_id?}, returns subscriptions in the registry's words; raises OSError when nobody answers.
Fetch = Callable[[dict[str, str]], list[dict[str, Any]]]


class UnknownPeerError(LookupError):
    """A message cannot be addressed: the registry knows no usable participant by that id and role."""


@dataclass(frozen=True, slots=True)
class Record:
    """A usable key of a subscriber, as the registry holds it."""

    subscriber_id: str
    key_id: str
    role: str
    url: str
    public_key: str
    valid_from: datetime
    valid_until: datetime
    profile: Profile = LTS

    @property
    def party(self) -> Party:
        """Its identity and address."""
        return Party(self.subscriber_id, self.url)


def lookup(
    subscriber_id: str,
    key_id: str,
    *,
    now: datetime,
    fetch: Fetch | None = None,
    force: bool = False,
    stale: timedelta = STALE,
) -> Record:
    """The record that verifies messages of `subscriber_id` signed with `key_id`.

    `force` asks the other registry again even if the row is fresh; `stale` is how old a row may be while it does not
    answer. Raises WireError: AUT_SUBSCRIBER_NOT_FOUND, AUT_KEY_NOT_FOUND, AUT_KEY_EXPIRED_OR_REVOKED, or
    NET_DOWNSTREAM_UNAVAILABLE when only that registry could tell.
    """
    rows = {row.key_id: row for row in Subscriber.objects.filter(subscriber_id=subscriber_id)}
    row = rows.get(key_id)
    ours = any(one.fetched_at is None for one in rows.values())
    if fetch is not None and not ours and (force or not is_fresh(row, now)):
        row = ask(subscriber_id, key_id, row, now=now, fetch=fetch, stale=stale)
    if row is None:
        code = "AUT_KEY_NOT_FOUND" if rows else "AUT_SUBSCRIBER_NOT_FOUND"
        raise WireError(code, f"The registry has no key {key_id[:60]} of {subscriber_id[:120]}.")
    if row.status != Subscriber.Status.SUBSCRIBED or not row.valid_from <= now < row.valid_until:
        raise WireError("AUT_KEY_EXPIRED_OR_REVOKED", f"Key {key_id} of {subscriber_id} is revoked or not in force.")
    return record_of(row)


def is_fresh(row: Subscriber | None, now: datetime) -> bool:
    """Whether what another registry said may be repeated without asking it again."""
    if row is None or row.fetched_at is None:
        return False
    return now < row.fetched_at + min(FRESH, timedelta(seconds=row.lifetime_s))


def ask(
    subscriber_id: str, key_id: str, row: Subscriber | None, *, now: datetime, fetch: Fetch, stale: timedelta
) -> Subscriber | None:
    """What the other registry says now, stored; the row we have while it does not answer, if that is not too old."""
    try:
        kept = learn(fetch({"subscriber_id": subscriber_id, "key_id": key_id}), now=now)
    except OSError as problem:
        if row is None or row.fetched_at is None or row.fetched_at < now - stale:
            raise WireError(
                "NET_DOWNSTREAM_UNAVAILABLE", "The registry does not answer; send again later.", http_status=503
            ) from problem
        return row
    known = Subscriber.objects.filter(subscriber_id=subscriber_id, key_id=key_id)
    if (subscriber_id, key_id) not in kept:
        known.update(status=Subscriber.Status.REVOKED, fetched_at=now)
    return known.first()


def learn(subscriptions: Iterable[Any], *, now: datetime) -> set[tuple[str, str]]:
    """Keep what another registry told us, and return the (subscriber, key) pairs.

    Malformed entries and claims about our own subscribers are left out.
    """
    kept = set()
    ours = set(Subscriber.objects.filter(fetched_at=None).values_list("subscriber_id", flat=True))
    for entry in subscriptions:
        found = from_subscription(entry)
        if found is None or found["subscriber_id"] in ours:
            continue
        keys = {name: found.pop(name) for name in ("subscriber_id", "key_id")}
        Subscriber.objects.update_or_create(**keys, defaults=found | {"fetched_at": now})
        kept.add((keys["subscriber_id"], keys["key_id"]))
    return kept


def in_force(now: datetime) -> QuerySet[Subscriber]:
    """Rows whose key may be used at `now`."""
    return Subscriber.objects.filter(status=Subscriber.Status.SUBSCRIBED, valid_from__lte=now, valid_until__gt=now)


def usable(keys: Iterable[tuple[str, str]], *, now: datetime) -> set[tuple[str, str]]:
    """Those (subscriber, key) pairs that are still in force: one question for a whole batch, so a revocation bites at once."""
    wanted = Q()
    for subscriber_id, key_id in keys:
        wanted |= Q(subscriber_id=subscriber_id, key_id=key_id)
    return set(in_force(now).filter(wanted).values_list("subscriber_id", "key_id")) if wanted else set()


def peer(subscriber_id: str, *, role: str, now: datetime) -> Record:
    """Where `subscriber_id` listens as `role`. Raises UnknownPeerError; only registered URLs are ever called."""
    row = in_force(now).filter(subscriber_id=subscriber_id, role=role).order_by("-valid_from", "-pk").first()
    if row is None:
        raise UnknownPeerError(
            f"the registry knows no {role} {subscriber_id!r} in force; register it, or check BECKN_REGISTRY_URL"
        )
    return record_of(row)


def register(
    party: Party,
    *,
    role: str,
    key_id: str,
    public_key: str,
    now: datetime,
    encr_public_key: str = "",
    years: int = 2,
) -> bool:
    """Enter a participant's key in our development registry, or bring its URL up to date. Whether anything changed."""
    held = {"role": role, "url": party.url, "public_key": public_key, "fetched_at": None}
    if encr_public_key:
        held["encr_public_key"] = encr_public_key
    row, made = Subscriber.objects.get_or_create(
        subscriber_id=party.subscriber_id,
        key_id=key_id,
        defaults=held | {"valid_from": now - timedelta(minutes=1), "valid_until": now + timedelta(days=365 * years)},
    )
    stale = [name for name, value in held.items() if getattr(row, name) != value]
    for name in stale:
        setattr(row, name, held[name])
    if stale:
        row.save(update_fields=stale)
    return made or bool(stale)


def record_of(row: Subscriber) -> Record:
    """A row as a value."""
    return Record(
        row.subscriber_id,
        row.key_id,
        row.role,
        row.url,
        row.public_key,
        row.valid_from,
        row.valid_until,
        profile_of(row.subscriber_id, row.profile),
    )


def profile_of(subscriber_id: str, written: str = "") -> Profile:
    """How a subscriber speaks: what is written for this key or any other of its keys, else settings.BECKN_PROFILE."""
    others = Subscriber.objects.filter(subscriber_id=subscriber_id).exclude(profile="").order_by("-pk")
    name = written or others.values_list("profile", flat=True).first() or settings.BECKN_PROFILE
    try:
        return named(name)
    except ValueError as problem:
        raise ImproperlyConfigured(f"the profile of {subscriber_id}: {problem}") from problem


def set_profile(subscriber_id: str, profile: Profile) -> int:
    """From now on speak like this with a subscriber; the number of its keys. Everything stored keeps its own profile."""
    return Subscriber.objects.filter(subscriber_id=subscriber_id).update(profile=profile.name)


def keys_of(subscriber_id: str, *, now: datetime) -> dict[str, str]:
    """Its public keys in force by their ids: while it replaces one, it may sign receipts with either."""
    return dict(in_force(now).filter(subscriber_id=subscriber_id).values_list("key_id", "public_key"))


def to_subscription(row: Subscriber, now: datetime) -> dict[str, str]:
    """A row in the registry's words (v1 names, both spellings of url and key id)."""
    return {
        "subscriber_id": row.subscriber_id,
        "subscriber_url": row.url,
        "url": row.url,
        "type": row.role.upper(),
        "key_id": row.key_id,
        "ukId": row.key_id,
        "signing_public_key": row.public_key,
        "encr_public_key": row.encr_public_key,
        "valid_from": row.valid_from.isoformat(),
        "valid_until": row.valid_until.isoformat(),
        "status": status_of(row, now),
    }


def status_of(row: Subscriber, now: datetime) -> str:
    """A row's status in the registry's words."""
    if row.status != Subscriber.Status.SUBSCRIBED:
        return "UNSUBSCRIBED"
    return "EXPIRED" if row.valid_until <= now else "SUBSCRIBED"


def from_subscription(entry: Any) -> dict[str, Any] | None:
    """The fields of a row from the registry's words, or None when anything in it is unusable."""
    if not isinstance(entry, dict):
        return None
    text = {name: value for name, value in entry.items() if isinstance(value, str)}
    found: dict[str, Any] = {
        "subscriber_id": text.get("subscriber_id", ""),
        "key_id": text.get("key_id") or text.get("ukId", ""),
        "role": text.get("type", "").lower(),
        "url": text.get("url") or text.get("subscriber_url", ""),
        "public_key": text.get("signing_public_key", ""),
        "valid_from": parse_instant(text.get("valid_from", "")),
        "valid_until": parse_instant(text.get("valid_until", "")),
    }
    subscribed = text.get("status") == "SUBSCRIBED"
    found["status"] = Subscriber.Status.SUBSCRIBED if subscribed else Subscriber.Status.REVOKED
    if not all(found.values()) or not is_sound(found):
        return None
    sealed_for, ttl = text.get("encr_public_key", ""), entry.get("ttl")
    found["encr_public_key"] = sealed_for if is_key(sealed_for) else ""
    found["lifetime_s"] = ttl if isinstance(ttl, int) and 0 < ttl <= FRESH.seconds else FRESH.seconds
    return found


def is_sound(found: dict[str, Any]) -> bool:
    """Whether lengths, role, key and URL are such that the row could be used."""
    try:
        url = urlsplit(found["url"])
    except ValueError:
        return False
    fits = all(len(found[name]) <= LONGEST[name] and found[name].isprintable() for name in LONGEST)
    return fits and found["role"] in ROLES and is_key(found["public_key"]) and url.scheme in ("http", "https")


def is_key(text: str) -> bool:
    """Whether a text is the base64 of 32 bytes, in its one spelling."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(raw) == 32 and base64.b64encode(raw).decode() == text
