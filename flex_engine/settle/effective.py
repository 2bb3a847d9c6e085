"""Rules as data: rows with a first and a last day, a source and how well that source is known. Times decide, code does not.

A row says what the market's rule was on a settlement day, so that an old day settles by its own rules for ever. This room
knows rows and days; what a row means is for the room that asks. The rows that come with the engine are in rows/*.json;
callers may hold others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any, Literal, get_args

Evidence = Literal["primary", "secondary", "computed", "assumed"]


class NothingInForceError(LookupError):
    """No row holds on the day asked for; the message names key and day."""


@dataclass(frozen=True, slots=True)
class Row:
    """One rule in force on settlement days in [effective_from, effective_to); None is open. `values` are the rule's own."""

    key: str
    effective_from: date | None
    effective_to: date | None
    evidence: Evidence
    source: str
    values: Mapping[str, Any]

    def holds_on(self, day: date) -> bool:
        """Whether the rule is in force on settlement day `day`."""
        return (self.effective_from is None or self.effective_from <= day) and (
            self.effective_to is None or day < self.effective_to
        )


def in_force(rows: Iterable[Row], key: str, day: date) -> Row:
    """The one row of `key` on `day`. Raises NothingInForceError, naming the days that are covered."""
    alike = [row for row in rows if row.key == key]
    for row in alike:
        if row.holds_on(day):
            return row
    covered = ", ".join(f"[{row.effective_from or '…'}, {row.effective_to or '…'})" for row in alike) or "no day"
    raise NothingInForceError(f"Nothing is held for {key} on {day}; what is held covers {covered}.")


@cache
def rows_of(name: str) -> tuple[Row, ...]:
    """The rows of rows/<name>.json, checked. Numbers with a fraction are Decimal strings there, never floats."""
    text = resources.files("flex_engine.settle").joinpath("rows", f"{name}.json").read_text(encoding="utf-8")
    return checked([row_from(found) for found in json.loads(text, parse_float=Decimal)])


def row_from(found: Mapping[str, Any]) -> Row:
    """A row of its JSON members; all but the five known ones are its values. Raises ValueError for an unknown evidence."""
    if found["evidence"] not in get_args(Evidence):
        raise ValueError(f"{found['key']}: evidence is {found['evidence']!r}; write one of {get_args(Evidence)}")
    bounds = [date.fromisoformat(found[name]) if found[name] else None for name in ("effective_from", "effective_to")]
    known = {"key", "effective_from", "effective_to", "evidence", "source"}
    values = {name: value for name, value in found.items() if name not in known}
    return Row(found["key"], bounds[0], bounds[1], found["evidence"], found["source"], values)


def checked(rows: Sequence[Row]) -> tuple[Row, ...]:
    """`rows`, ordered. Raises ValueError where two rows of one key hold on the same day."""
    ordered = sorted(rows, key=lambda row: (row.key, row.effective_from or date.min))
    for earlier, later in pairwise(ordered):
        start = later.effective_from or date.min
        if earlier.key == later.key and (earlier.effective_to is None or earlier.effective_to > start):
            raise ValueError(f"two rows of {later.key} are in force on {start}")
    return tuple(ordered)
