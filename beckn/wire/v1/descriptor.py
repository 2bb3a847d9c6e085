"""Descriptors: the same words in another spelling. Pictures and documents travel in the beckn-v2 tag."""

from __future__ import annotations

from typing import Any

from beckn.wire.v1.member import Object, obj

NAMES = {"code": "code", "name": "name", "shortDesc": "short_desc", "longDesc": "long_desc"}


def to_v1(descriptor: Any) -> Object:
    """Its texts in the spelling of 1.1."""
    told = obj(descriptor)
    return {old: told[new] for new, old in NAMES.items() if isinstance(told.get(new), str)}


def to_v2(descriptor: Any) -> Object:
    """And back."""
    told = obj(descriptor)
    return {new: told[old] for new, old in NAMES.items() if isinstance(told.get(old), str)}
