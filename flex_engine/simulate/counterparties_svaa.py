"""A simulated SVAA: takes a day's delivered volumes of a unit and accepts, rejects or takes exception.

Its acceptance names the unit and nothing else (P0284 does not list periods), so that nobody may read it as the acceptance of
a period; a rejection (P0283) names the unit with a reason, an exception (P0285) the period.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from flex_engine.simulate.counterparties import LABEL, happens
from flex_engine.timegrid import settlement_period


@dataclass(frozen=True, slots=True)
class DeliveredVolume:
    """One period of a unit as submitted: signed Wh, and whether it was calculated at all (status T or F)."""

    unit: str
    start: datetime
    delivered_wh: int
    status: Literal["T", "F"] = "T"


@dataclass(frozen=True, slots=True)
class VolumeAnswer:
    """An answer to a unit's day. `start` is None unless it is an exception."""

    kind: Literal["ACCEPTED", "REJECTED", "EXCEPTION"]
    unit: str
    start: datetime | None
    reason: str = ""
    label: str = LABEL


@dataclass(frozen=True, slots=True)
class Svaa:
    """`most_wh` is the largest half hour it believes, either way. Chance is by seed, unit and period."""

    units: frozenset[str]
    most_wh: int = 50_000_000
    seed: int = 0
    rejections_per_mille: int = 0
    exceptions_per_mille: int = 0

    def answer(self, day: Sequence[DeliveredVolume]) -> tuple[VolumeAnswer, ...]:
        """One rejection, or exceptions by period, or one acceptance a unit; units in alphabetical order."""
        found: list[VolumeAnswer] = []
        for unit in sorted({row.unit for row in day}):
            rows = sorted((row for row in day if row.unit == unit), key=lambda row: row.start)
            found += self.answer_unit(unit, rows)
        return tuple(found)

    def answer_unit(self, unit: str, rows: Sequence[DeliveredVolume]) -> list[VolumeAnswer]:
        """The answer to one unit."""
        if unit not in self.units:
            return [VolumeAnswer("REJECTED", unit, None, f"BM unit {unit} is not known.")]
        if len({row.start for row in rows}) < len(rows):
            return [VolumeAnswer("REJECTED", unit, None, "A settlement period is there twice.")]
        if happens(self.seed, unit, rows[0].start, per_mille=self.rejections_per_mille):
            return [VolumeAnswer("REJECTED", unit, None, "The file could not be processed.")]
        odd = [(row, self.fault(row)) for row in rows]
        taken = [VolumeAnswer("EXCEPTION", unit, row.start, reason) for row, reason in odd if reason]
        return taken or [VolumeAnswer("ACCEPTED", unit, None)]

    def fault(self, row: DeliveredVolume) -> str:
        """Why a period is excepted; empty when it is not."""
        _, period = settlement_period(row.start)
        if row.status == "F":
            return f"The volume of settlement period {period} was not calculated."
        if abs(row.delivered_wh) > self.most_wh:
            return f"The volume of settlement period {period} is larger than the unit."
        if happens(self.seed, row.unit, row.start, "period", per_mille=self.exceptions_per_mille):
            return f"Settlement period {period} could not be matched."
        return ""
