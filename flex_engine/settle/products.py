"""The flexibility products of Great Britain as dated rows: who buys, what is paid, how it is called and measured.

The rows are rows/products.json, under the ENA Open Networks names. What a source does not give is said to be assumed in
the row's note. This room knows products and settlement days; it knows no offer, order or price of the day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal, cast

from flex_engine.settle.delivery import Direction
from flex_engine.settle.effective import Evidence, Row, in_force, rows_of
from flex_engine.timegrid import LONDON

RegulatoryBasis = Literal["P415_VTP", "P444_BM", "DNO_FSA", "NESO_DFS", "NESO_RESERVE"]
Dispatch = Literal["NONE", "SCHEDULE", "INSTRUCTION"]
Pays = Literal["UTILISATION", "AVAILABILITY_AND_UTILISATION"]
PenaltyRule = Literal["NONE", "LOST_AVAILABILITY", "DEFICIENCY_PRICE", "IMBALANCE"]
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class LocalWindow:
    """When a product is bought: [start, end) by the London clock on `weekdays`, 0 for Monday."""

    weekdays: tuple[int, ...]
    start: time
    end: time

    def covers(self, start: datetime, end: datetime) -> bool:
        """Whether the aware times [start, end) lie within one window."""
        begins, last = start.astimezone(LONDON), (end - timedelta(microseconds=1)).astimezone(LONDON)
        if begins.date() != last.date() or begins.weekday() not in self.weekdays:
            return False
        return self.start <= begins.time() and last.time() < self.end

    def __str__(self) -> str:
        days = ", ".join(WEEKDAYS[day] for day in self.weekdays)
        if self.weekdays == tuple(range(self.weekdays[0], self.weekdays[-1] + 1)) and len(self.weekdays) > 2:
            days = f"{WEEKDAYS[self.weekdays[0]]} to {WEEKDAYS[self.weekdays[-1]]}"
        return f"{days}, {self.start:%H:%M} to {self.end:%H:%M} London time"


@dataclass(frozen=True, slots=True)
class Product:
    """One product in force on a settlement day. Power in Decimal kW, times in seconds.

    `dispatch` NONE: an agreed profile without a signal; SCHEDULE: what was sold is the instruction; INSTRUCTION: the buyer
    calls, `notice_s` before the window. `gate_closure_s` before the window nothing is sold any more. The tables are keys of
    rows/performance_tables.json. `reference_availability_gbp_per_mw_h` is a price once seen, to start from.
    """

    key: str
    name: str
    buyer: str
    regulatory_basis: RegulatoryBasis
    directions: tuple[Direction, ...]
    dispatch: Dispatch
    pays: Pays
    window: LocalWindow | None
    notice_s: int
    ramp_s: int
    minimum_kw: Decimal
    gate_closure_s: int
    max_events_per_day: int
    baseline_methods: tuple[str, ...]
    default_baseline: str
    performance_table: str
    availability_table: str | None
    cap_percent: int
    penalty_rule: PenaltyRule
    reference_availability_gbp_per_mw_h: Decimal | None
    note: str
    effective_from: date | None
    effective_to: date | None
    evidence: Evidence
    source: str

    @property
    def pays_availability(self) -> bool:
        """Whether standing ready is paid."""
        return self.pays == "AVAILABILITY_AND_UTILISATION"

    @property
    def needs_instruction(self) -> bool:
        """Whether the buyer has to call; otherwise what was sold is delivered without a message."""
        return self.dispatch == "INSTRUCTION"


def product(key: str, day: date) -> Product:
    """The product `key` on settlement day `day`. Raises NothingInForceError, naming the days that are covered.

    >>> product("NESO_DFS", date(2026, 3, 31)).minimum_kw, product("NESO_DFS", date(2026, 4, 1)).minimum_kw
    (Decimal('1000'), Decimal('100'))
    """
    return product_of(in_force(rows_of("products"), key, day))


def products(day: date) -> tuple[Product, ...]:
    """Every product in force on settlement day `day`, in order of their keys."""
    return tuple(product_of(row) for row in rows_of("products") if row.holds_on(day))


def product_of(row: Row) -> Product:
    """The product a row holds. Raises ValueError where the row contradicts itself."""
    values = dict(row.values)
    found = Product(
        key=row.key,
        effective_from=row.effective_from,
        effective_to=row.effective_to,
        evidence=row.evidence,
        source=row.source,
        **values
        | {
            "directions": tuple(values["directions"]),
            "baseline_methods": tuple(values["baseline_methods"]),
            "minimum_kw": Decimal(values["minimum_kw"]),
            "window": window_of(values["window"]),
            "reference_availability_gbp_per_mw_h": price_of(values["reference_availability_gbp_per_mw_h"]),
        },
    )
    check(found)
    return found


def window_of(found: dict[str, Any] | None) -> LocalWindow | None:
    """The window a row's member describes; None where the contract sets it."""
    if found is None:
        return None
    start, end = (time.fromisoformat(found[name]) for name in ("start", "end"))
    return LocalWindow(tuple(cast("list[int]", found["weekdays"])), start, end)


def price_of(found: str | None) -> Decimal | None:
    """A price of a row."""
    return None if found is None else Decimal(found)


def check(found: Product) -> None:
    """Raise ValueError for a row whose default is not allowed, whose gate closes after its notice, or whose pay is half said."""
    if found.default_baseline not in found.baseline_methods:
        raise ValueError(f"{found.key}: {found.default_baseline} is the default and not among its baseline methods")
    if found.gate_closure_s < found.notice_s:
        raise ValueError(
            f"{found.key}: the gate closes {found.gate_closure_s} s before, the notice is {found.notice_s} s"
        )
    if found.pays_availability != (found.availability_table is not None):
        raise ValueError(f"{found.key}: pays {found.pays} with availability table {found.availability_table}")
