"""A simulated SAA: settles the positions that are held, run after run, and restates them as meters are corrected.

Every run has the same positions; what moves is metered energy, less and less from II to RF, by chance from the seed. A meter
without a reading gives status F and no energy: it is never zero. Prices carry the run they are of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from flex_engine.settle.position import Position
from flex_engine.settle.settlement_calendar import runs
from flex_engine.simulate.counterparties import LABEL, draw

Place = tuple[str, datetime]


@dataclass(frozen=True, slots=True)
class SettlementRow:
    """One period of a unit in one run. Energy in Wh; `metered_wh` is None with status F."""

    run: str
    unit: str
    start: datetime
    position_wh: int
    metered_wh: int | None
    status: Literal["T", "F"]
    price_gbp_per_mwh: Decimal
    price_run: str
    label: str = LABEL


@dataclass(frozen=True, slots=True)
class Saa:
    """`restated_wh` is the most by which the second run moves a period's energy; each later run moves half of that."""

    seed: int = 0
    restated_wh: int = 2_000

    def report(
        self, run: str, held: Mapping[Place, Position], metered_wh: Mapping[Place, int], price_gbp_per_mwh: Decimal
    ) -> tuple[SettlementRow, ...]:
        """The rows of `run`. Raises ValueError for a code that is no run."""
        order = runs()
        if run not in order:
            raise ValueError(f"{run!r} is no settlement run; the runs are {', '.join(order)}")
        found = []
        for (unit, start), position in sorted(held.items()):
            if position.position_wh == 0:
                continue
            metered = metered_wh.get((unit, start))
            energy = None if metered is None else max(0, metered + self.moved(unit, start, order.index(run)))
            status: Literal["T", "F"] = "F" if energy is None else "T"
            row = SettlementRow(run, unit, start, position.position_wh, energy, status, price_gbp_per_mwh, run)
            found.append(row)
        return tuple(found)

    def moved(self, unit: str, start: datetime, runs_after_first: int) -> int:
        """By how much energy has been restated up to a run, in Wh."""
        total, most = 0, self.restated_wh
        for number in range(1, runs_after_first + 1):
            total += draw(self.seed, unit, start, number, below=2 * most + 1) - most
            most //= 2
        return total
