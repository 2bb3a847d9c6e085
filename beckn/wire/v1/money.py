"""Prices: decimal text with its currency in 1.1, a PriceSpecification with typed components in 2.0.0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from beckn.wire.v1 import number
from beckn.wire.v1.member import Object, obj, objs, some, text

CONTEXT = "https://schema.beckn.io/PriceSpecification/v2.2/context.jsonld"


def price(currency: Any, value: Any) -> Object:
    """A price of 1.1; empty when there is no number."""
    written = number.text(value)
    return some(currency=text(currency), value=written) if written else {}


def specification(told: Any, path: str) -> Object:
    """A PriceSpecification of a price of 1.1."""
    found = obj(told)
    return {"@context": CONTEXT, "@type": "PriceSpecification"} | some(
        currency=text(found.get("currency")), value=number.read(found.get("value"), f"{path}/value")
    )


def quote_of(consideration: Any) -> Object:
    """The quote in the first consideration; empty when it is no price."""
    attributes = obj(next(iter(objs(consideration)), {}).get("considerationAttributes"))
    total = price(attributes.get("currency"), attributes.get("value"))
    if attributes.get("@type") != "PriceSpecification" or not total:
        return {}
    parts = [
        some(
            title=text(part.get("description")) or text(part.get("type")),
            price=price(part.get("currency"), part.get("value")),
        )
        for part in objs(attributes.get("components"))
    ]
    return some(price=total, breakup=parts)


def consideration_of(quote: Mapping[str, Any], status: str, path: str) -> list[Object]:
    """The consideration that a quote means for an order of this status (of 2.0.0)."""
    found = specification(quote.get("price"), f"{path}/price")
    parts = [component(part, f"{path}/breakup/{index}") for index, part in enumerate(objs(quote.get("breakup")))]
    state = {"DRAFT": "QUOTED", "ACTIVE": "AGREED", "COMPLETE": "SETTLED"}.get(status, status)
    attributes = found | some(components=parts)
    return [{"id": "consideration-1", "status": {"code": state}, "considerationAttributes": attributes}]


def component(part: Object, path: str) -> Object:
    """A line of a quote; its kind from its sign and title."""
    told, title = obj(part.get("price")), text(part.get("title"))
    value = number.read(told.get("value"), f"{path}/price/value")
    kind = "CANCELLATION_FEE" if "cancel" in title.lower() else "PENALTY" if value < 0 else "USAGE"
    return {"type": kind, "value": value} | some(currency=text(told.get("currency")), description=title)
