"""Half-hourly charts as plain data: the same values feed the drawing in the browser and the table beside it.

It knows shapes and units; which series belong on a page is the business of that page's query.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flex_engine.timegrid import HALF_HOUR


@dataclass(frozen=True, slots=True)
class Line:
    """One step series. `style` names a look in chart.js: planned, ghost, limit, price, carbon, down or up."""

    name: str
    values: tuple[float | None, ...]
    style: str
    label: str


@dataclass(frozen=True, slots=True)
class Lock:
    """A promised limit over slots [first, last): the load stays `below` `kw`, or above it; the other side is hatched."""

    first: int
    last: int
    kw: float
    name: str
    below: bool = True


@dataclass(frozen=True, slots=True)
class Pane:
    """One y-axis with its lines; `low` and `high` are the 80 % band of its first line, where there is one."""

    title: str
    unit: str
    lines: tuple[Line, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    locks: tuple[Lock, ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """Panes over one half-hourly axis from `start`. `now` draws the now-line."""

    id: str
    title: str
    start: datetime
    slots: int
    panes: tuple[Pane, ...]
    now: datetime
    sources: tuple[str, ...] = field(default=())
    label: str = "FORECAST"

    @property
    def end(self) -> datetime:
        """The end of the last half hour."""
        return self.start + self.slots * HALF_HOUR

    def as_json(self) -> dict[str, Any]:
        """What chart.js draws: times in seconds since 1970 UTC."""
        return {
            "start": int(self.start.timestamp()),
            "slots": self.slots,
            "now": int(self.now.timestamp()),
            "panes": [
                {
                    "title": pane.title,
                    "unit": pane.unit,
                    "lines": [
                        {"name": x.name, "values": list(x.values), "style": x.style, "label": x.label}
                        for x in pane.lines
                    ],
                    "low": list(pane.low),
                    "high": list(pane.high),
                    "locks": [
                        {"first": x.first, "last": x.last, "kw": x.kw, "below": x.below, "name": x.name}
                        for x in pane.locks
                    ],
                }
                for pane in self.panes
            ],
        }

    def columns(self) -> list[tuple[str, str]]:
        """(name, unit) of every value column of the table, in the order of rows()."""
        return [
            column
            for pane in self.panes
            for column in [(line.name, pane.unit) for line in pane.lines]
            + ([("P10", pane.unit), ("P90", pane.unit)] if pane.low else [])
        ]

    def rows(self) -> Iterator[tuple[datetime, list[float | None]]]:
        """One row a half hour: its start and the values in the order of columns()."""
        for slot in range(self.slots):
            values: list[float | None] = []
            for pane in self.panes:
                values += [line.values[slot] if slot < len(line.values) else None for line in pane.lines]
                values += [pane.low[slot], pane.high[slot]] if pane.low else []
            yield self.start + slot * HALF_HOUR, values
