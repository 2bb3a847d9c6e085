"""Support: typed channels in 2.0.0, three members in 1.1."""

from __future__ import annotations

from typing import Any

from beckn.wire.v1.member import Object, obj, objs, some, text

CONTEXT = "https://caco.example/schema/SupportChannel/v1.0/context.jsonld"
CHANNELS = {"email": "EmailChannel", "phone": "PhoneChannel", "url": "UrlChannel"}


def to_v1(support: Any) -> Object:
    """The support object of 1.1."""
    told = obj(support)
    channels = {
        name: text(one.get(name))
        for name, kind in CHANNELS.items()
        for one in objs(told.get("channels"))
        if one.get("@type") == kind
    }
    return some(ref_id=text(told.get("orderId")), **channels)


def to_v2(support: Any) -> Object:
    """And back."""
    told = obj(support)
    channels = [
        {"@context": CONTEXT, "@type": kind, name: text(told.get(name))}
        for name, kind in CHANNELS.items()
        if text(told.get(name))
    ]
    return some(orderId=text(told.get("ref_id")), channels=channels)
