"""One shape for every number a page shows: value, unit, label, source and age. It knows no rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that says where it comes from. `low` and `high` are the 80 % band of a forecast."""

    value: float
    unit: str
    label: str
    source: str
    as_of: datetime
    places: int = 1
    low: float | None = None
    high: float | None = None
