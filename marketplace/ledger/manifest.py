"""What a daily manifest counts: entries and control totals, by type. Pure: from types and payloads alone.

A Merkle log proves that nothing was changed, and says nothing of what was left out. The manifest closes that gap: it is an
entry itself, so that its counts and sums are anchored with the rest, and a party compares them with its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

TYPE = "daily.manifest"
SUMMED = ("_pence", "_wh")  # the members a control total is made of end in the unit of what is settled


class Totals:
    """Counts and sums of entries, one after another. A payload that cannot be read is counted, and adds nothing."""

    def __init__(self) -> None:
        self.entries = 0
        self.types: dict[str, dict[str, int]] = {}

    def add(self, kind: str, figures: Mapping[str, int]) -> None:
        """Count one entry of type `kind` with its `figures`."""
        self.entries += 1
        own = self.types.setdefault(kind, {"entries": 0})
        own["entries"] += 1
        for name, value in figures.items():
            own[name] = own.get(name, 0) + value

    def as_json(self) -> dict[str, dict[str, str]]:
        """Per type the number of entries and every sum, as whole numbers in text."""
        return {kind: {name: str(value) for name, value in own.items()} for kind, own in sorted(self.types.items())}


def figures(payload: bytes) -> dict[str, int]:
    """The whole numbers of pence and of Wh at the top of a payload.

    >>> figures(b'{"amount_pence":"-250","delivered_wh":7,"site":"a","share_pence":"1.5"}')
    {'amount_pence': -250, 'delivered_wh': 7}
    """
    try:
        told: Any = orjson.loads(payload)
    except ValueError:
        return {}
    members = told.items() if isinstance(told, dict) else ()
    found = {name: whole(value) for name, value in members if name.endswith(SUMMED)}
    return {name: value for name, value in found.items() if value is not None}


def whole(value: Any) -> int | None:
    """An integer, or one written as text; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str) or not value.isascii():
        return None
    digits = value.removeprefix("-")
    return int(value) if digits.isdecimal() and len(digits) < 40 else None
