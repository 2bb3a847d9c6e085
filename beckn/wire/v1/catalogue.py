"""What is on sale: a catalogue for each provider in 2.0.0, one catalogue of providers with items and offers in 1.1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from beckn.wire.v1 import descriptor, money, number, place, series, tags
from beckn.wire.v1.member import Object, obj, objs, some, text

OURS = "https://caco.example/schema"
CODE = "compute-flex"
RESOURCE: tags.Fields = {
    "direction": ("direction", False),
    "capacity_type": ("capacityType", False),
    "max_capacity_kw": ("maxCapacityKw", True),
    "min_capacity_kw": ("minCapacityKw", True),
    "notice_period": ("noticePeriod", False),
    "ramp_time": ("rampTime", False),
    "max_duration": ("maxDuration", False),
    "recovery_time": ("recoveryTime", False),
    "max_events_per_day": ("maxEventsPerDay", True),
    "grid_zone": ("gridZone", False),
    "licence_area": ("licenceArea", False),
}
PRICES = ("PRICE", "SHORTFALL_PENALTY")


def to_v1(catalogs: Any) -> Object:
    """The one catalogue of 1.1."""
    told = objs(catalogs)
    return some(descriptor=descriptor.to_v1(next(iter(told), {}).get("descriptor"))) | {
        "providers": [provider(one) for one in told]
    }


def provider(catalog: Object) -> Object:
    """A catalogue as a provider."""
    told, offers = obj(catalog.get("provider")), objs(catalog.get("offers"))
    resources = objs(catalog.get("resources"))
    places = [some(id=f"loc-{text(one.get('id'))}", gps=gps(one)) for one in resources if gps(one)]
    return some(
        id=text(told.get("id")),
        descriptor=descriptor.to_v1(told.get("descriptor")),
        time=time_of(catalog.get("validity")),
        locations=places,
        items=[item(one, offers) for one in resources],
        offers=[offer(one) for one in offers],
    )


def gps(resource: Object) -> str:
    """Where a resource is, "" when it does not say."""
    return place.gps_of(obj(obj(resource.get("resourceAttributes")).get("location")).get("geo"))


def item(resource: Object, offers: list[Object]) -> Object:
    """A resource as an item, with the first price that an offer asks for it."""
    attributes, identity = obj(resource.get("resourceAttributes")), text(resource.get("id"))
    ours = attributes.get("@type") == "ComputeFlexResource"
    pairs = [pair for pair in tags.write_fields(attributes, RESOURCE) if pair[0] != "max_capacity_kw"]
    groups = [tags.group(CODE, pairs), *series.to_groups(attributes.get("availability"))] if ours else []
    most = number.text(attributes.get("maxCapacityKw"))
    measure = some(value=most, unit="kW" if most else "")
    asked = [terms(one) for one in offers if identity in (one.get("resourceIds") or [])]
    return some(
        id=identity,
        descriptor=some(code=CODE if ours else "") | descriptor.to_v1(resource.get("descriptor")),
        price=next((found for one in asked if (found := first_price(one))), None),
        quantity=some(available=some(measure=measure)),
        location_ids=[f"loc-{identity}"] if gps(resource) else [],
        tags=groups,
    )


def terms(offer: Object) -> Object:
    """The seller's inputs in an offer of ours."""
    inputs = objs(obj(offer.get("offerAttributes")).get("inputs"))
    return obj(next((one for one in inputs if one.get("role") == "seller"), {}).get("inputs"))


def first_price(terms: Object) -> Object | None:
    """The price in the first interval."""
    for group in series.to_groups(terms.get("price")):
        pairs = tags.read([group]).get("PRICE")
        if pairs and pairs.get("v0"):
            return some(currency=text(terms.get("currency")), value=pairs["v0"])
    return None


def offer(told: Object) -> Object:
    """An offer; its prices are groups of its own."""
    ids = told.get("resourceIds")
    return some(
        id=text(told.get("id")),
        descriptor=descriptor.to_v1(told.get("descriptor")),
        item_ids=[one for one in ids if text(one)] if isinstance(ids, list) else [],
        time=time_of(told.get("validity")),
        tags=series.to_groups(terms(told).get("price")),
    )


def time_of(validity: Any) -> Object:
    """From when to when, as a range."""
    told = obj(validity)
    span = some(start=text(told.get("startDate")), end=text(told.get("endDate")))
    return some(range=span)


def validity_of(time: Any) -> Object:
    """And back."""
    span = obj(obj(time).get("range"))
    return some(startDate=text(span.get("start")), endDate=text(span.get("end")))


def to_v2(catalogue: Object, context: Mapping[str, Any]) -> list[Object]:
    """A catalogue for each provider."""
    title = descriptor.to_v2(catalogue.get("descriptor"))
    return [
        catalog(one, title, text(context.get("bpp_id")), f"/message/catalog/providers/{index}")
        for index, one in enumerate(objs(catalogue.get("providers")))
    ]


def catalog(told: Object, title: Object, seller: str, path: str) -> Object:
    """A provider as a catalogue."""
    places = {text(one.get("id")): one.get("gps") for one in objs(told.get("locations"))}
    items = objs(told.get("items"))
    identity = text(told.get("id"))
    resources = [resource(one, places, f"{path}/items/{index}") for index, one in enumerate(items)]
    return {
        "id": f"cat-{identity}",
        "descriptor": title or descriptor.to_v2(told.get("descriptor")),
        "provider": {"id": identity, "descriptor": descriptor.to_v2(told.get("descriptor"))},
        "isActive": True,
        "resources": resources,
        "offers": [sale(one, items, seller, f"{path}/items") for one in objs(told.get("offers"))],
    } | some(validity=validity_of(told.get("time")))


def resource(told: Object, places: Mapping[str, Any], path: str) -> Object:
    """An item as a resource. It has our attributes when its tags say the two that nobody could guess."""
    groups = tags.read(told.get("tags"))
    pairs = groups.get(CODE, {})
    words = descriptor.to_v2(told.get("descriptor"))
    if words.get("code") == CODE:
        del words["code"]
    found = some(id=text(told.get("id")), descriptor=words)
    if not pairs.get("direction") or not pairs.get("capacity_type"):
        return found
    measure = obj(obj(obj(told.get("quantity")).get("available")).get("measure"))
    where = next((places[one] for one in told.get("location_ids") or [] if places.get(one)), None)
    attributes = {
        "@context": f"{OURS}/ComputeFlexResource/v1.0/context.jsonld",
        "@type": "ComputeFlexResource",
        **tags.read_fields(pairs, RESOURCE),
    }
    if "value" in measure:
        attributes["maxCapacityKw"] = number.read(measure["value"], f"{path}/quantity/available/measure/value")
    if where is not None:
        attributes["location"] = {"geo": place.point_of(where, f"{path}/location_ids")}
    held = series.from_groups({code: pairs for code, pairs in groups.items() if code != CODE})
    return found | {"resourceAttributes": attributes | ({"availability": held} if held else {})}


def sale(told: Object, items: list[Object], seller: str, path: str) -> Object:
    """An offer of 1.1. Without prices of its own it sells at its items' price, on their grid."""
    ids = [one for one in told.get("item_ids") or [] if text(one)]
    groups = tags.read(told.get("tags"))
    prices = series.from_groups(groups, kinds=PRICES)
    priced = [one for one in items if one.get("id") in ids and obj(one.get("price"))]
    price = obj(priced[0].get("price")) if priced else {}
    if prices is None and priced:
        number.read(price.get("value"), f"{path}/{items.index(priced[0])}/price/value")
        prices = spread(text(price.get("value")), tags.read(priced[0].get("tags")))
    found = some(
        id=text(told.get("id")),
        descriptor=descriptor.to_v2(told.get("descriptor")),
        validity=validity_of(told.get("time")),
    ) | {"resourceIds": ids}
    if prices is not None:
        inputs = some(currency=text(price.get("currency"))) | {"price": prices}
        found["offerAttributes"] = sell_offer(inputs, seller)
    elif priced:
        asked = money.specification(price, f"{path}/{items.index(priced[0])}/price")
        found["considerations"] = [
            {"id": "consideration-1", "status": {"code": "OFFERED"}, "considerationAttributes": asked}
        ]
    return found


def sell_offer(inputs: Object, seller: str) -> Object:
    """ComputeFlexSellOffer with the seller's inputs, the buyer's role open."""
    return {
        "@context": f"{OURS}/ComputeFlexSellOffer/v1.0/context.jsonld",
        "@type": "ComputeFlexSellOffer",
        "inputs": [
            {"role": "seller", "participantId": seller, "inputs": inputs},
            {"role": "buyer", "participantId": None, "inputs": {}},
        ],
    }


def spread(price: str, groups: Mapping[str, Mapping[str, str]]) -> Object | None:
    """One price on the grid of an item's availability."""
    pairs = groups.get("CAPACITY_AVAILABLE", {})
    if not series.is_series(pairs):
        return None
    values = {name: price for name in pairs if series.VALUE.fullmatch(name)}
    grid = {"start": pairs["start"], "duration": pairs["duration"], "unit": "GBP_PER_KWH"}
    return series.from_groups({"PRICE": grid | values})
