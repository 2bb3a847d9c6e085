"""What an intent asks for, and which parts of a catalogue answer it: words, a JSONPath filter, places, types, dates, who asks.

The same rules serve a seller who answers for itself and a discovery service that answers for everybody. Catalogues are JSON
as it stands on the wire; nothing here is stored or sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from beckn.wire import jsonpath, spatial
from beckn.wire.context import parse_instant
from beckn.wire.errors import WireError
from beckn.wire.jsonpath import Budget, JSONPathError, Path
from beckn.wire.spatial import Constraint, SpatialError

MOST_VISITS = 3_000_000  # nodes one search may look at: about two seconds of one processor
MOST_PLACES = 10  # spatial constraints
POINTER = "/message/intent"
RELATIVE = "$.resourceAttributes.location.geo"


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and in which network and role: what an offer's availableTo is compared with."""

    subscriber_id: str = ""
    network_id: str = ""
    role: str = "bap"

    def may_take(self, offer: Mapping[str, Any]) -> bool:
        """Whether an offer is open to this asker. One that names nobody is open to all."""
        named = [entry for entry in offer.get("availableTo") or [] if isinstance(entry, Mapping)]
        ours = {
            "NETWORK": {self.network_id},
            "PARTICIPANT": {self.subscriber_id},
            "ROLE": {self.role, self.role.upper()},
        }
        return not named or any(entry.get("id") in ours.get(str(entry.get("type")), ()) for entry in named)


@dataclass(frozen=True, slots=True)
class Where:
    """A spatial constraint and where in a resource, its provider or the whole catalogue the places stand."""

    constraint: Constraint
    targets: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Intent:
    """An intent that has been understood. `budget` is shared by all catalogues of one search."""

    words: tuple[str, ...] = ()
    path: Path | None = None
    where: tuple[Where, ...] = ()
    types: frozenset[str] = frozenset()
    budget: Budget = field(default_factory=lambda: Budget(MOST_VISITS))


def read(message: Mapping[str, Any], types: Sequence[str] = ()) -> Intent:
    """The intent of a discover's message; `types` is context.schemaContext. Raises WireError for what is not understood."""
    intent = message.get("intent") or {}
    words = " ".join(
        str(told) for told in (intent.get("textSearch"), message.get("textSearch"), message.get("text_search")) if told
    )
    if intent.get("mediaSearch"):
        raise WireError(
            "NET_NOT_IMPLEMENTED", "Searching by picture or sound is not served here.", f"{POINTER}/mediaSearch"
        )
    filters = intent.get("filters")
    return Intent(
        words=tuple(words.lower().split()),
        path=path_of(filters) if filters else None,
        where=tuple(places_of(intent.get("spatial") or [])),
        types=frozenset(types),
    )


def path_of(filters: Mapping[str, Any]) -> Path:
    """The filter's path."""
    expression = str(filters.get("expression", ""))
    try:
        if filters.get("type") != "jsonpath":
            raise JSONPathError(f"the type is {str(filters.get('type'))[:20]!r}; only jsonpath is understood")
        return jsonpath.parse(expression)
    except JSONPathError as problem:
        raise unreadable(
            f"The filter {expression[:120]!r} is not understood: {problem}.", "/filters/expression"
        ) from problem


def unreadable(text: str, pointer: str) -> WireError:
    """The error for a filter that cannot be used."""
    return WireError("SCH_INVALID_JSONPATH", text, f"{POINTER}{pointer}")


def places_of(told: Sequence[Mapping[str, Any]]) -> Iterator[Where]:
    """The spatial constraints."""
    if len(told) > MOST_PLACES:
        raise WireError("SCH_SCHEMA_VALIDATION_FAILED", f"More than {MOST_PLACES} constraints.", f"{POINTER}/spatial")
    for index, one in enumerate(told):
        pointer = f"/spatial/{index}"
        targets = one.get("targets") or RELATIVE
        try:
            paths = tuple(jsonpath.parse(str(text)) for text in ([targets] if isinstance(targets, str) else targets))
            yield Where(spatial.constraint(one), paths)
        except SpatialError as problem:
            raise WireError(
                "SCH_SCHEMA_VALIDATION_FAILED", f"The constraint is not understood: {problem}.", POINTER + pointer
            ) from problem
        except JSONPathError as problem:
            raise unreadable(f"A target is not understood: {problem}.", f"{pointer}/targets") from problem


def matching(
    catalogs: Sequence[Mapping[str, Any]], intent: Intent, *, now: datetime, asker: Asker | None = None
) -> list[dict[str, Any]]:
    """The catalogues with only those resources, and the offers on them, that the intent asks for at `now`.

    Raises WireError SCH_INVALID_JSONPATH when the search looks at more than it may.
    """
    try:
        narrowed = [narrow(catalog, intent, now=now, asker=asker or Asker()) for catalog in catalogs]
    except JSONPathError as problem:
        raise unreadable(f"The filter cannot be used: {problem}.", "/filters/expression") from problem
    return [catalog for catalog in narrowed if catalog is not None]


def narrow(catalog: Mapping[str, Any], intent: Intent, *, now: datetime, asker: Asker) -> dict[str, Any] | None:
    """One catalogue with what answers the intent; None when nothing does."""
    if catalog.get("isActive") is False or not in_force(catalog.get("validity"), now):
        return None
    resources, offers = catalog.get("resources") or [], catalog.get("offers") or []
    open_now = [offer for offer in offers if in_force(offer.get("validity"), now) and asker.may_take(offer)]
    on_offer, once_offered = covered(open_now), covered(offers)
    chosen = picked(catalog, intent)
    kept = [
        resource
        for index, resource in enumerate(resources)
        if (resource["id"] in on_offer or resource["id"] not in once_offered)
        and (chosen is None or chosen.takes(index, resource["id"]))
        and fits(resource, catalog, intent)
    ]
    ids = {resource["id"] for resource in kept}
    if not kept:
        return None
    taken = [offer for offer in open_now if not offer.get("resourceIds") or ids.intersection(offer["resourceIds"])]
    return {**catalog, "resources": kept, "offers": taken}


def covered(offers: Sequence[Mapping[str, Any]]) -> set[str]:
    """The ids of the resources that offers are about."""
    return {name for offer in offers for name in offer.get("resourceIds") or ()}


@dataclass(frozen=True, slots=True)
class Picked:
    """What a filter selected in one catalogue: all of it, resources by position, or resources by id through their offers."""

    everything: bool
    positions: frozenset[int]
    ids: frozenset[str]

    def takes(self, position: int, name: str) -> bool:
        """Whether a resource is among it."""
        return self.everything or position in self.positions or name in self.ids


def picked(catalog: Mapping[str, Any], intent: Intent) -> Picked | None:
    """What the filter selects; None without a filter.

    A path from `$.catalogs`, or that begins by looking everywhere, starts at the answer; any other at the list of
    resources, as the standard's own example does. A node inside a resource, an offer or a catalogue stands for it.
    """
    if intent.path is None:
        return None
    first = intent.path.steps[0] if intent.path.steps else None
    if first in (jsonpath.Name("resources"), jsonpath.Name("offers")):
        found = [("catalogs", 0, *at) for at in jsonpath.select(intent.path, catalog, intent.budget)]
    elif first in (jsonpath.Name("catalogs"), jsonpath.Deep()):
        found = [tuple(at) for at in jsonpath.select(intent.path, {"catalogs": [catalog]}, intent.budget)]
    else:
        resources = catalog.get("resources") or []
        found = [("catalogs", 0, "resources", *at) for at in jsonpath.select(intent.path, resources, intent.budget)]
    inside = [(at[2], int(at[3])) for at in found if len(at) > 3 and at[2] in ("resources", "offers")]
    offers = catalog.get("offers") or []
    through = [offers[position].get("resourceIds") or () for kind, position in inside if kind == "offers"]
    return Picked(
        everything=len(inside) < len(found),
        positions=frozenset(position for kind, position in inside if kind == "resources"),
        ids=frozenset(str(name) for names in through for name in names),
    )


def fits(resource: Mapping[str, Any], catalog: Mapping[str, Any], intent: Intent) -> bool:
    """Whether a resource has the type, the words and the place that are asked for."""
    attributes = resource.get("resourceAttributes") or {}
    if intent.types and attributes.get("@context") not in intent.types:
        return False
    if intent.words and not said(resource, catalog, intent.words):
        return False
    return all(is_there(resource, catalog, where, intent.budget) for where in intent.where)


def said(resource: Mapping[str, Any], catalog: Mapping[str, Any], words: Sequence[str]) -> bool:
    """Whether every word stands in a descriptor of the resource, its provider or its catalogue, or in its grid zone."""
    provider, attributes = catalog.get("provider") or {}, resource.get("resourceAttributes") or {}
    told = [value for holder in (resource, provider, catalog) for value in (holder.get("descriptor") or {}).values()]
    told += [provider.get("id"), attributes.get("gridZone"), attributes.get("licenceArea"), attributes.get("@type")]
    text = " ".join(value.lower() for value in told if isinstance(value, str))
    return all(word in text for word in words)


def is_there(resource: Mapping[str, Any], catalog: Mapping[str, Any], where: Where, budget: Budget) -> bool:
    """Whether the resource's places, or else its provider's or catalogue's, satisfy a constraint."""
    for root in (resource, catalog.get("provider") or {}, {"catalogs": [{**catalog, "resources": [resource]}]}):
        places = [place for path in where.targets for place in jsonpath.find(path, root, budget)]
        if places:
            return where.constraint.holds(places)
    return where.constraint.holds(())


def in_force(validity: Any, now: datetime) -> bool:
    """Whether a TimePeriod covers `now`. One without dates, or with dates nobody can read, does not restrict."""
    if not isinstance(validity, Mapping):
        return True
    start, end = (parse_instant(str(validity.get(name) or "")) for name in ("startDate", "endDate"))
    return (start is None or start <= now) and (end is None or now < end)
