"""What is bought: commitments in 2.0.0, items and offers side by side in 1.1."""

from __future__ import annotations

from typing import Any

from beckn.wire.v1 import number, series, tags
from beckn.wire.v1.member import Object, obj, objs, some, text


def items_of(commitments: list[Object]) -> list[Object]:
    """An item for each resource; the series of a commitment stands with its first."""
    found = []
    for commitment in commitments:
        groups = series.to_groups(commitment.get("commitmentAttributes"))
        for resource in objs(commitment.get("resources")):
            quantity = obj(resource.get("quantity"))
            measure = some(value=number.text(quantity.get("unitQuantity")), unit=text(quantity.get("unitCode")))
            selected = some(selected=some(measure=measure))
            found.append(some(id=text(resource.get("id")), quantity=selected, tags=groups))
            groups = []
    return found


def offers_of(commitments: list[Object]) -> list[Object]:
    """The offer of each commitment, naming its items."""
    offers = [obj(commitment.get("offer")) for commitment in commitments]
    return [
        some(id=text(offer.get("id")), item_ids=[one for one in listed(offer.get("resourceIds")) if text(one)])
        for offer in offers
    ]


def listed(value: Any) -> list[Any]:
    """The list, or an empty one."""
    return value if isinstance(value, list) else []


def commitments_of(order: Object, status: str) -> list[Object]:
    """A commitment for each offer, holding the items it names; all of them when it is the only one.

    `status` is the order's in 2.0.0. Items that no offer names are under the offer they are themselves.
    """
    items, offers = objs(order.get("items")), objs(order.get("offers"))
    state = {"DRAFT": "DRAFT", "ACTIVE": "ACTIVE"}.get(status, "CLOSED")
    if not offers:
        offers = [{"id": text(item.get("id")), "item_ids": [item.get("id")]} for item in items]
    return [
        commitment(offer, items_under(offer, items, len(offers)), state, index)
        for index, offer in enumerate(offers)
        if items
    ]


def items_under(offer: Object, items: list[Object], offers: int) -> list[tuple[int, Object]]:
    """The items of an offer with their place in the order."""
    named = listed(offer.get("item_ids"))
    return [(index, item) for index, item in enumerate(items) if item.get("id") in named or (offers == 1 and not named)]


def commitment(offer: Object, items: list[tuple[int, Object]], state: str, index: int) -> Object:
    """One commitment."""
    groups = {code: pairs for _, item in items for code, pairs in tags.read(item.get("tags")).items()}
    ids = [text(item.get("id")) for _, item in items]
    found = {
        "id": f"commitment-{index + 1}",
        "status": {"descriptor": {"code": state}},
        "resources": [
            {"id": text(item.get("id")), "quantity": quantity(item, f"/message/order/items/{place}")}
            for place, item in items
        ],
        "offer": {"id": text(offer.get("id")), "resourceIds": ids},
    }
    held = series.from_groups(groups)
    return found | ({"commitmentAttributes": held} if held else {})


def quantity(item: Object, path: str) -> Object:
    """How much of it; empty when the item does not say."""
    selected = obj(obj(item.get("quantity")).get("selected"))
    measure = obj(selected.get("measure"))
    if "value" not in measure:
        return {}
    value = number.read(measure["value"], f"{path}/quantity/selected/measure/value")
    return some(unitCode=text(measure.get("unit"))) | {"unitQuantity": value}
