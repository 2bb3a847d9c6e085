"""Which topics of the live door a person may hear: those whose rows they may see. queries.visible answers the latter."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model

from marketplace.models import MeterFile, Order, Organisation, Purchase, SearchResult, Site, Tender, Upload, User
from marketplace.queries.visible import visible

# That something changed somewhere, without a word about whose: everybody who is signed in may hear it.
COMMON = frozenset({"signals", "offers", "catalogue", "ledger", "operations", "tenders"})
# <noun>:<key> -> the rows it is about, the field the key names, and how the key is read.
KEYED: dict[str, tuple[type[Model], str, Any]] = {
    "site": (Site, "slug", str),
    "orders": (Organisation, "slug", str),
    "upload": (Upload, "pk", int),
    "meter-file": (MeterFile, "pk", int),
    "order": (Order, "pk", uuid.UUID),
    "purchase": (Purchase, "pk", uuid.UUID),
    "tender": (Tender, "pk", uuid.UUID),
    "search": (SearchResult, "transaction_id", uuid.UUID),
}


def heard_by(user: User | AnonymousUser, topics: Iterable[str]) -> frozenset[str]:
    """Those of `topics` that `user` may hear; unknown ones and other people's are left out without a word."""
    return frozenset(topic for topic in topics if hears(user, topic))


def hears(user: User | AnonymousUser, topic: str) -> bool:
    """Whether `user` may hear that `topic` changed."""
    if topic in COMMON:
        return user.is_authenticated
    noun, _, text = topic.partition(":")
    if noun not in KEYED:
        return False
    model, field, read = KEYED[noun]
    try:
        key = read(text)
    except ValueError:
        return False
    return visible(model, user).filter(**{field: key}).exists()
