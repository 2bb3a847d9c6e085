"""A deferrable job: when it may run, how long it needs and what it draws. It knows no site, queue file or plan."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flex_engine.quantities import Label


@dataclass(frozen=True, slots=True)
class Job:
    """`duration_s` seconds of work at `power_kw` (site power at the meter, PUE included) in [arrival, deadline).

    Durations read from a file are whole seconds; what is left of a job that has run may be a fraction.
    Raises ValueError, naming the field, when it can never run.
    """

    id: str
    arrival: datetime
    deadline: datetime
    duration_s: float
    power_kw: float
    preemptible: bool = True
    tier: str = "BATCH"
    cpus: float = 0.0
    gpus: float = 0.0
    power_label: Label = Label.MEASURED
    deadline_label: Label = Label.MEASURED

    def __post_init__(self) -> None:
        if self.arrival.tzinfo is None or self.deadline.tzinfo is None:
            raise ValueError(f"job {self.id}: arrival and deadline need a time zone")
        if self.duration_s <= 0:
            raise ValueError(f"job {self.id}: duration_s is {self.duration_s}; it must be positive")
        if not (math.isfinite(self.power_kw) and self.power_kw > 0):
            raise ValueError(f"job {self.id}: power_kw is {self.power_kw}; it must be a positive number")

    @property
    def energy_kwh(self) -> float:
        """Energy the whole job needs, kWh."""
        return self.power_kw * self.duration_s / 3600

    @property
    def slack_s(self) -> float:
        """Seconds the start can wait; negative when the work does not fit before the deadline."""
        return (self.deadline - self.arrival - timedelta(seconds=self.duration_s)).total_seconds()

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe fields, times as ISO 8601."""
        return {
            "id": self.id,
            "arrival": self.arrival.isoformat(),
            "deadline": self.deadline.isoformat(),
            "duration_s": self.duration_s,
            "power_kw": self.power_kw,
            "preemptible": self.preemptible,
            "tier": self.tier,
            "cpus": self.cpus,
            "gpus": self.gpus,
            "power_label": str(self.power_label),
            "deadline_label": str(self.deadline_label),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Job:
        """The inverse of to_dict."""
        return cls(
            **data
            | {
                "arrival": datetime.fromisoformat(data["arrival"]),
                "deadline": datetime.fromisoformat(data["deadline"]),
                "power_label": Label(data["power_label"]),
                "deadline_label": Label(data["deadline_label"]),
            }
        )
