"""A half-hourly series with its unit, source, label and as-of time. It knows no feed and no forecast."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime

from flex_engine.quantities import Label
from flex_engine.timegrid import HALF_HOUR, floor_half_hour


class MissingDataError(LookupError):
    """A half hour was asked for that the series does not hold."""


@dataclass(frozen=True, slots=True)
class HalfHourly:
    """Interval means from `start`, one a half hour. `unit` is gCO2e/kWh, GBP/MWh, kW or Wh. Raises ValueError if not finite."""

    name: str
    start: datetime
    values: tuple[float, ...]
    unit: str
    source: str
    label: Label
    as_of: datetime

    def __post_init__(self) -> None:
        if floor_half_hour(self.start) != self.start:
            raise ValueError(f"{self.name} starts at {self.start.isoformat()}, which is not on the half hour")
        for index, value in enumerate(self.values):
            if not math.isfinite(value):
                when = self.start + index * HALF_HOUR
                raise ValueError(f"{self.name} is {value} at {when.isoformat()}; every half hour needs a finite number")

    @property
    def end(self) -> datetime:
        """End of the last half hour."""
        return self.start + len(self.values) * HALF_HOUR

    def at(self, t: datetime) -> float:
        """The value of the half hour that holds `t`. Raises MissingDataError outside the series."""
        if not self.start <= t < self.end:
            raise MissingDataError(
                f"{self.name} has no value for {t.isoformat()}; it covers {self.start.isoformat()} to {self.end.isoformat()}"
            )
        return self.values[int((t - self.start) / HALF_HOUR)]

    def slice(self, start: datetime, end: datetime) -> HalfHourly:
        """The part in [start, end). Raises MissingDataError naming what is missing."""
        if start < self.start or end > self.end:
            raise MissingDataError(
                f"{self.name} covers {self.start.isoformat()} to {self.end.isoformat()}, not {start.isoformat()} to {end.isoformat()}"
            )
        first, last = int((start - self.start) / HALF_HOUR), int((end - self.start) / HALF_HOUR)
        return replace(self, start=self.start + first * HALF_HOUR, values=self.values[first:last])
