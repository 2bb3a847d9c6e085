"""Searching what was published: for a discover, for a delivery, for a pull. The rules of matching are beckn.wire.intent's.

An answer is one message and must fit into one. What does not fit is left out and counted, and the answer says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from beckn.discovery.shelf import SHELF
from beckn.models import Catalogue
from beckn.wire import body, intent
from beckn.wire.intent import Asker, Intent

ENVELOPE = 16 * 1024  # bytes kept for the context and what else is not catalogue


@dataclass(frozen=True, slots=True)
class Found:
    """What answers a search: the catalogues that fit into one message, and of how many resources how many are in them."""

    catalogs: list[dict[str, Any]]
    returned: int
    matched: int


def in_force(network_ids: Sequence[str], now: datetime) -> QuerySet[Catalogue]:
    """The catalogues on sale in these networks at `now`."""
    on_time = Q(ends_at=None) | Q(ends_at__gt=now)
    return Catalogue.objects.filter(on_time, network_id__in=list(network_ids), is_active=True, is_master=False)


def matches(rows: QuerySet[Catalogue], asked: Intent, *, asker: Asker, now: datetime) -> Iterator[dict[str, Any]]:
    """Each catalogue with what the intent asks for in it, oldest first. Raises WireError as intent.matching does."""
    for catalog in SHELF.catalogues(rows.order_by("pk")):
        yield from intent.matching([catalog], asked, now=now, asker=asker)


def search(message: Mapping[str, Any], context: Mapping[str, Any], *, asker: Asker, now: datetime) -> Found:
    """The answer to a discover. One that names a seller is asked of that seller's catalogues alone."""
    asked = intent.read(message, context.get("schemaContext") or ())
    rows = in_force([asker.network_id], now)
    if context.get("bppId"):
        rows = rows.filter(publisher=context["bppId"])
    return fitted(matches(rows, asked, asker=asker, now=now), settings.BECKN_MAX_BODY - ENVELOPE)


def fitted(catalogs: Iterator[dict[str, Any]], room: int) -> Found:
    """As much of the catalogues as fits into `room` bytes, a resource with its offers at a time."""
    kept: list[dict[str, Any]] = []
    returned = matched = 0
    for catalog in catalogs:
        resources = catalog["resources"]
        matched += len(resources)
        taken, size = (len(resources), body.size(catalog)) if room > 0 else (0, 0)
        if size > room:
            taken, size = part(catalog, room)
        if taken == 0:
            room = 0  # what comes later is counted only: an answer has no holes
            continue
        ids = {one["id"] for one in resources[:taken]}
        offers = [
            one for one in catalog["offers"] if not one.get("resourceIds") or ids.intersection(one["resourceIds"])
        ]
        kept.append(
            catalog if taken == len(resources) else {**catalog, "resources": resources[:taken], "offers": offers}
        )
        returned += taken
        room -= size
    return Found(kept, returned, matched)


def part(catalog: Mapping[str, Any], room: int) -> tuple[int, int]:
    """How many of the catalogue's first resources fit into `room` bytes with their offers, and the bytes they take."""
    offers: dict[str, int] = {}
    size = body.size(
        {**catalog, "resources": [], "offers": [one for one in catalog["offers"] if not one.get("resourceIds")]}
    )
    for offer in catalog["offers"]:
        for name in offer.get("resourceIds") or ():
            offers[name] = offers.get(name, 0) + body.size(offer) + 1
    for count, resource in enumerate(catalog["resources"]):
        step = body.size(resource) + 1 + offers.get(resource["id"], 0)
        if size + step > room:
            return count, size
        size += step
    return len(catalog["resources"]), size
