"""Ratings: a value with its scale in 2.0.0, a text in 1.1."""

from __future__ import annotations

from typing import Any

from beckn.wire.v1 import number
from beckn.wire.v1.member import Object, obj, objs, some, text

CATEGORIES = {
    "CONTRACT": "Order",
    "RESOURCE": "Item",
    "PERFORMANCE": "Fulfillment",
    "PROVIDER": "Provider",
    "AGENT": "Agent",
    "SUPPORT": "Support",
}
CODES = {category: code for code, category in CATEGORIES.items()}


def to_v1(inputs: Any) -> list[Object]:
    """The ratings of 1.1."""
    return [
        some(
            id=text(obj(one.get("target")).get("id")),
            rating_category=CATEGORIES.get(text(obj(obj(one.get("target")).get("descriptor")).get("code")), ""),
            value=number.text(obj(one.get("range")).get("value")),
        )
        for one in objs(inputs)
    ]


def to_v2(ratings: Any) -> list[Object]:
    """And back; 1.1 rates from one to five."""
    return [rated(one, f"/message/ratings/{index}") for index, one in enumerate(objs(ratings))]


def rated(told: Object, path: str) -> Object:
    """One rating."""
    code = CODES.get(text(told.get("rating_category")), "")
    value = number.read(told.get("value"), f"{path}/value")
    target = some(id=text(told.get("id")), descriptor=some(code=code))
    return {"target": target, "range": {"min": 1, "max": 5, "value": value}}
