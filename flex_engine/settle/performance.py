"""Performance tables: how much of the price a delivery earns, as sorted points with straight lines between them.

The tables are rows/performance_tables.json; this room draws the line and knows no product. A share is rounded to six
places, half to even, so that a statement can show the very number it was paid by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from flex_engine.quantities import share
from flex_engine.settle.effective import Evidence, Row, in_force, rows_of


@dataclass(frozen=True, slots=True)
class PerformanceTable:
    """(delivered share of instruction, share of the price) points; constant before the first and after the last.

    `cap_percent` of the instruction is the most that is paid for. Raises ValueError unless both coordinates never fall
    and the shares lie in [0, 1].
    """

    id: str
    points: tuple[tuple[Decimal, Decimal], ...]
    cap_percent: int = 100
    evidence: Evidence = "assumed"
    source: str = ""

    def __post_init__(self) -> None:
        if not self.points:
            raise ValueError(f"{self.id} has no point")
        for (x, y), (next_x, next_y) in pairwise(self.points):
            if next_x <= x or next_y < y:
                raise ValueError(f"{self.id}: ({next_x}, {next_y}) follows ({x}, {y}); both must rise")
        if self.points[0][1] < 0 or self.points[-1][1] > 1:
            raise ValueError(f"{self.id}: a share of the price must lie between 0 and 1")
        if self.cap_percent < 100:
            raise ValueError(f"{self.id}: cap_percent is {self.cap_percent}; what was instructed is always paid for")

    def scale(self, delivered: int, instructed: int) -> Decimal:
        """The share of the price that `delivered` of `instructed` earns, to six places; 0 where nothing was instructed."""
        if instructed <= 0:
            return Decimal(0)
        at = line_at(self.points, Fraction(delivered, instructed))
        return share(at.numerator, at.denominator)


def line_at(points: Sequence[tuple[Decimal, Decimal]], x: Fraction) -> Fraction:
    """The value at `x` of the straight lines through `points`, exact."""
    if x <= Fraction(points[0][0]):
        return Fraction(points[0][1])
    for (x0, y0), (x1, y1) in pairwise(points):
        if x <= Fraction(x1):
            low, high = Fraction(y0), Fraction(y1)
            return low + (high - low) * Fraction(x - Fraction(x0), Fraction(x1) - Fraction(x0))
    return Fraction(points[-1][1])


def table_of(row: Row) -> PerformanceTable:
    """The table a row holds."""
    points = tuple((Decimal(x), Decimal(y)) for x, y in row.values["points"])
    return PerformanceTable(row.key, points, row.values["cap_percent"], row.evidence, row.source)


def performance_table(name: str, *, day: date) -> PerformanceTable:
    """The table `name` in force on settlement day `day`. Raises NothingInForceError.

    >>> performance_table("SSEN_TRANSITION_UTILISATION", day=date(2026, 1, 15)).scale(400_000, 500_000)
    Decimal('0.600000')
    """
    return table_of(in_force(rows_of("performance_tables"), name, day))
