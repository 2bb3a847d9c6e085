"""Tag groups, the only place in 1.1 for what a domain wants to say: a code, and named values that are all text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from beckn.wire import body
from beckn.wire.v1 import number
from beckn.wire.v1.member import Object, obj, objs, text

EXTENSION = "beckn-v2"
# The single values of our attribute types, by their name in 1.1: name in 2.0.0, and whether it is a number.
Fields = Mapping[str, tuple[str, bool]]


def group(code: str, pairs: Iterable[tuple[str, str]]) -> Object:
    """A tag group; pairs without a value are left out."""
    listed = [{"descriptor": {"code": name}, "value": value} for name, value in pairs if value]
    return {"descriptor": {"code": code}, "list": listed}


def read(groups: Any) -> dict[str, dict[str, str]]:
    """Groups by code, each with its values by name; of two with one code the first counts."""
    found: dict[str, dict[str, str]] = {}
    for one in objs(groups):
        pairs = {
            text(obj(tag.get("descriptor")).get("code")): text(tag.get("value"))
            for tag in reversed(objs(one.get("list")))
        }
        found.setdefault(text(obj(one.get("descriptor")).get("code")), pairs)
    return found


def write_fields(attributes: Mapping[str, Any], fields: Fields) -> list[tuple[str, str]]:
    """The single values of an attribute object as pairs."""
    return [
        (name, number.text(attributes.get(full)) if is_number else text(attributes.get(full)))
        for name, (full, is_number) in fields.items()
    ]


def read_fields(pairs: Mapping[str, str], fields: Fields) -> Object:
    """And back; what is no number where one belongs stays a text, for the schema to name."""
    found: Object = {}
    for name, (full, is_number) in fields.items():
        if pairs.get(name):
            value = number.maybe(pairs[name]) if is_number else None
            found[full] = pairs[name] if value is None else value
    return found


def extension(patch: Mapping[str, Any]) -> Object:
    """The group that carries what 1.1 cannot say."""
    return group(EXTENSION, [("json", body.dump(dict(patch)).decode())])


def read_extension(groups: Any) -> Object | None:
    """Its content, None where there is no such group. Raises WireError SCH_INVALID_JSON when it cannot be read."""
    pairs = read(groups).get(EXTENSION)
    return None if pairs is None else body.parse(pairs.get("json", "").encode())
