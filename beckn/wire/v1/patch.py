"""The difference between two JSON values, as JSON: what the form in 1.1 could not say about a message of 2.0.0.

`{"drop": [pointer], "set": {pointer: value}}`, pointers as in RFC 6901. It touches only what differs, so a peer that changes
an order and sends our tag back with it is understood by what it changed. A list of another length is said whole.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from beckn.wire.errors import WireError
from beckn.wire.v1.member import Object


def between(old: Any, new: Any) -> Object:
    """What makes `new` of `old`; empty when they are exactly the same, digits and types of numbers included."""
    found: Object = {"drop": [], "set": {}}
    note(old, new, "", found)
    return {name: part for name, part in found.items() if part}


def note(old: Any, new: Any, pointer: str, found: Object) -> None:
    """Write down the differences below `pointer`."""
    if isinstance(old, dict) and isinstance(new, dict):
        found["drop"] += [f"{pointer}/{escape(name)}" for name in old if name not in new]
        for name, value in new.items():
            if name in old:
                note(old[name], value, f"{pointer}/{escape(name)}", found)
            else:
                found["set"][f"{pointer}/{escape(name)}"] = value
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, value in enumerate(new):
            note(old[index], value, f"{pointer}/{index}", found)
    elif type(old) is not type(new) or isinstance(new, list) or str(old) != str(new):
        found["set"][pointer] = new


def applied(old: Any, patch: Mapping[str, Any]) -> Any:
    """`old` with the differences. Raises WireError SCH_SCHEMA_ADAPTATION_FAILED when they do not fit it."""
    held = [copy.deepcopy(old)]
    try:
        for pointer in patch.get("drop", []):
            *way, last = steps(pointer)
            del at(held, way)[key(at(held, way), last)]
        for pointer, value in dict(patch.get("set", {})).items():
            *way, last = steps(pointer)
            at(held, way)[key(at(held, way), last)] = value
    except (LookupError, TypeError, ValueError, AttributeError) as problem:
        raise WireError(
            "SCH_SCHEMA_ADAPTATION_FAILED", "The beckn-v2 tag does not fit the message it stands in; leave it out."
        ) from problem
    return held[0]


def steps(pointer: str) -> list[str]:
    """A pointer's parts; the first names the place where the whole value is held."""
    return ["0", *(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])]


def escape(name: str) -> str:
    """One part of a pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def key(holder: Any, step: str) -> Any:
    """A step as the holder takes it: lists count."""
    return int(step) if isinstance(holder, list) else step


def at(held: Any, way: list[str]) -> Any:
    """What stands at the end of the way."""
    for step in way:
        held = held[key(held, step)]
    return held
