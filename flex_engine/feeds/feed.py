"""What a feed is: what it asks a publisher for, how the answer is read, how often, and when silence is too long.

Asking and reading are kept apart, so that an archived answer is read by the same code as a fresh one. This room opens
no connection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from flex_engine.feeds.reading import Reading

REGIONS = (10, 13, 14)  # East England, London and South East England: the three areas of UK Power Networks


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `about` is what the reader must know of it, as text; both are archived, and neither holds a key."""

    url: str
    about: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Places:
    """What of a feed an installation wants: regions of the carbon API, a weather place, a tariff region."""

    regions: tuple[int, ...] = REGIONS
    latitude: float = 51.51
    longitude: float = -0.13
    agile_product: str = "AGILE-24-10-01"
    agile_region: str = "C"


@dataclass(frozen=True, slots=True)
class Key:
    """Where a publisher wants its key: in a header or in the query. `setting` is the environment variable that has it."""

    setting: str
    where: Literal["header", "query"]
    name: str


@dataclass(frozen=True, slots=True)
class Feed:
    """One source. `asks(since, now, places)` lists requests; `read(payload, about, now)` reads one answer.

    `back` is how far the first fetch reaches; later ones begin `overlap` before the newest value held, because published
    values change. `stale_after` counts from the end of the newest half hour held (of forecasts: from the newest issue).
    A feed that is not `usual` is asked only when it is named.
    """

    name: str
    title: str
    publisher: str
    licence: str
    families: tuple[str, ...]
    asks: Callable[[datetime, datetime, Places], list[Ask]]
    read: Callable[[Any, Mapping[str, str], datetime], Reading]
    stale_after: timedelta
    every: timedelta = timedelta(minutes=30)
    back: timedelta = timedelta(days=1)
    overlap: timedelta = timedelta(days=1)
    body: Literal["json", "xml"] = "json"
    key: Key | None = None
    usual: bool = True
    remark: str = ""

    @property
    def source(self) -> str:
        """What stands beside each of its values: the publisher and what it gave, at most 80 characters."""
        return f"{self.publisher}, {self.remark or self.title}"[:80]

    @property
    def forecasts(self) -> bool:
        """Whether it gives forecasts; their age counts from their issue."""
        return all(family.endswith("_published") for family in self.families)
