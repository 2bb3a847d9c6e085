"""What an update changes: 1.1 names it in update_target, 2.0.0 sends the whole contract and lets it be compared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from beckn.wire.errors import WireError
from beckn.wire.v1 import number
from beckn.wire.v1.member import Object, obj

INDEX = re.compile(r"\[[^\]]*\]")
UNTOUCHED = frozenset({"id", "tags"})  # of the order itself: its identity, and our extension


def between(old: Mapping[str, Any] | None, new: Object) -> str:
    """The members of the order that differ, as update_target; `order` when nothing is known of what it was."""
    changed = {path.split(".")[1] for path in changes(old, new)} if old else set()
    return ",".join(f"order.{name}" for name in new if name in changed) or "order"


def check(written: Any, old: Mapping[str, Any], new: Object) -> None:
    """Raise WireError BIZ_INVALID_UPDATE_TARGET (30012) unless update_target covers every difference."""
    targets = [INDEX.sub("", part.strip()) for part in str(written or "").split(",")]
    for path in changes(old, new):
        if not any(path == target or path.startswith(f"{target}.") for target in targets):
            raise WireError(
                "BIZ_INVALID_UPDATE_TARGET",
                f"update_target {str(written)[:80]!r} does not cover {path}, which the order changes.",
                "/message/update_target",
            )


def changes(old: Mapping[str, Any], new: Object) -> Iterator[str]:
    """Dotted paths, without list indexes, of what `new` says differently. What it leaves out is not changed."""
    for name, value in new.items():
        if name not in UNTOUCHED:
            yield from differences(old.get(name), value, f"order.{name}")


def differences(old: Any, new: Any, path: str) -> Iterator[str]:
    """The same below `path`."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name, value in new.items():
            yield from differences(old.get(name), value, f"{path}.{name}")
    elif isinstance(old, list) and isinstance(new, list):
        held = {name_of(one, index): one for index, one in enumerate(old)}
        for index, value in enumerate(new):
            known = held.get(name_of(value, index))
            if known is None:
                yield path
            else:
                yield from differences(known, value, path)
    elif not is_same(old, new):
        yield path


def name_of(value: Any, index: int) -> str:
    """What makes an element of a list the same as another: its id, its code, its title, else its place."""
    told = obj(value)
    code = obj(told.get("descriptor")).get("code")
    return str(told.get("id") or code or told.get("title") or index)


def is_same(old: Any, new: Any) -> bool:
    """Whether two texts mean the same; decimal numbers do whatever their zeros."""
    one, other = number.maybe(old), number.maybe(new)
    return bool(old == new) if one is None or other is None else one == other
