"""A member if it has the type it should have. The carriers of both versions are open in places, and anything may stand there."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]


def obj(value: Any) -> Object:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def objs(value: Any) -> list[Object]:
    """The objects in a list, or none."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text(value: Any) -> str:
    """The text, or an empty one."""
    return value if isinstance(value, str) else ""


def some(**members: Any) -> Object:
    """An object of those members that say something: neither None nor empty."""
    return {name: value for name, value in members.items() if value is not None and value not in ("", {}, [])}
