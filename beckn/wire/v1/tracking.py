"""Tracking: where a delivery can be followed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from beckn.wire.v1.member import Object, obj, some, text

ASKED = ("id", "status", "commitments", "contractAttributes")  # what a question about a deal repeats of it


def asked_to_v1(tracking: Any) -> Object:
    """The question."""
    told = obj(tracking)
    return some(order_id=text(obj(told.get("contract")).get("id")), callback_url=text(told.get("url")))


def asked_to_v2(message: Object, context: Mapping[str, Any], contract: Mapping[str, Any] | None) -> Object:
    """The question in 2.0.0, which repeats the deal."""
    url = text(message.get("callback_url")) or text(context.get("bap_uri"))
    return {"url": url, "status": "ACTIVE", "contract": meant(message, contract)}


def meant(message: Object, contract: Mapping[str, Any] | None) -> Object:
    """The deal that an order id means, as far as it is known."""
    known = {name: contract[name] for name in ASKED if name in contract} if contract else {}
    return known | some(id=text(message.get("order_id")))


def to_v1(tracking: Any) -> Object:
    """The answer."""
    told = obj(tracking)
    return some(
        id=text(obj(told.get("contract")).get("id")),
        url=text(told.get("url")),
        status=text(told.get("status")).lower(),
    )


def to_v2(tracking: Any, context: Mapping[str, Any]) -> Object:
    """And back; one that does not say where, or whether, says that there is nothing to follow."""
    told = obj(tracking)
    return {
        "url": text(told.get("url")) or text(context.get("bpp_uri")),
        "status": text(told.get("status")).upper() if told.get("url") and told.get("status") else "INACTIVE",
    }
