"""What is looked for: words and a place. A filter expression of 2.0.0 travels in the beckn-v2 tag."""

from __future__ import annotations

from typing import Any

from beckn.wire.errors import WireError
from beckn.wire.v1 import number, place, tags
from beckn.wire.v1.catalogue import CODE
from beckn.wire.v1.member import Object, obj, objs, some, text

GEO = "$['resourceAttributes']['location']['geo']"
METRES = {"km": 1000, "m": 1}
WANTED = {"direction": "==", "capacity_type": "=="}  # of the group that describes our resources


def to_v1(intent: Any) -> Object:
    """The intent of 1.1."""
    told = obj(intent)
    words = text(told.get("textSearch"))
    stops = [{"location": found} for one in objs(told.get("spatial")) if (found := circle_of(one))]
    name = some(descriptor=some(name=words))
    return some(item=name or {"descriptor": {"code": CODE}}, fulfillment=some(stops=stops))


def circle_of(constraint: Object) -> Object:
    """A place with a radius; empty for every other kind of constraint."""
    gps = place.gps_of(constraint.get("geometry"))
    metres = number.maybe(number.text(constraint.get("distanceMeters")))
    if constraint.get("op") != "S_DWITHIN" or not gps or metres is None:
        return {}
    kilometres = number.text(number.scaled(metres, number.Decimal("0.001")))
    return {"gps": gps, "radius": {"type": "CONSTANT", "value": kilometres, "unit": "km"}}


def to_v2(intent: Any) -> Object:
    """The intent of 2.0.0. The code of what this network trades asks for nothing more; any other word is searched for."""
    told = obj(intent)
    wanted = obj(obj(told.get("item")).get("descriptor"))
    code = text(wanted.get("code"))
    words = text(wanted.get("name")) or (code if code != CODE else "")
    stops = objs(obj(told.get("fulfillment")).get("stops"))
    path = "/message/intent/fulfillment/stops"
    spatial = [around(obj(one.get("location")), f"{path}/{index}/location") for index, one in enumerate(stops)]
    return some(
        textSearch=words,
        filters=filters_of(tags.read(told.get("tags")).get(CODE, {})),
        spatial=[one for one in spatial if one],
    )


def around(location: Object, path: str) -> Object:
    """The constraint that a place with a radius means; a place alone is where to deliver, not what to search."""
    radius = obj(location.get("radius"))
    if "gps" not in location or not radius:
        return {}
    unit = text(radius.get("unit")) or "km"
    if unit not in METRES:
        raise WireError("SCH_INVALID_ENUM", f"{path}/radius/unit is {unit[:20]!r}, not km or m.", f"{path}/radius/unit")
    distance = number.read(radius.get("value"), f"{path}/radius/value")
    return {
        "op": "S_DWITHIN",
        "targets": GEO,
        "geometry": place.point_of(location["gps"], f"{path}/gps"),
        "distanceMeters": number.scaled(distance, METRES[unit]),
        "quantifier": "ANY",
    }


def filters_of(pairs: dict[str, str]) -> Object:
    """The comparison that the tags of our resources mean in an intent."""
    asked = {name: pairs[name] for name in WANTED if pairs.get(name, "").replace("_", "").isalnum()}
    spelt = {"direction": "direction", "capacity_type": "capacityType"}
    terms = [f"@.resourceAttributes.{spelt[name]} {WANTED[name]} '{value}'" for name, value in asked.items()]
    if not terms:
        return {}
    return {"type": "jsonpath", "expression": f"$.catalogs[*].resources[?({' && '.join(terms)})]"}
