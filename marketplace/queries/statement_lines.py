"""The settlement periods of a statement, for its page and its files: energy, money, price and the reading each rests on.

Every figure is the stored one; nothing is worked out again here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from marketplace.models import SettlementStatement, StatementLine
from marketplace.queries.exports import utc_text

LINE_HEADER = (
    "settlement_date",
    "settlement_period",
    "start_utc",
    "instructed_wh",
    "baseline_wh",
    "metered_wh",
    "delivered_wh",
    "eligible_wh",
    "shortfall_wh",
    "price_gbp_per_kwh",
    "delivered_ratio",
    "price_scale",
    "pay_gbp",
    "penalty_gbp",
    "imbalance_gbp",
    "reading_source",
    "reading_quality",
    "reading_label",
    "reading_known_utc",
    "imbalance_mwh",
    "system_gbp_per_mwh",
    "price_run",
    "price_source",
    "price_known_utc",
)


@dataclass(frozen=True, slots=True)
class LineRow:
    """One settlement period: energy in Wh, exact GBP as text, and the reading it rests on. Empty text: not recorded."""

    start: datetime
    day: date
    period: int
    instructed_wh: int
    baseline_wh: int
    metered_wh: int
    delivered_wh: int
    eligible_wh: int
    shortfall_wh: int
    price_gbp_per_kwh: Decimal | None
    ratio: Decimal | None
    scale: Decimal | None
    pay_gbp: str
    penalty_gbp: str
    imbalance: Mapping[str, Any]
    reading_source: str
    reading_quality: str
    reading_label: str
    reading_known_at: datetime | None

    @property
    def price_known_at(self) -> datetime | None:
        """When the system price of a trade was known."""
        told = self.imbalance.get("known_at")
        return datetime.fromisoformat(told) if told else None

    @property
    def ref(self) -> str:
        """Settlement date and period, as a form names the line."""
        return f"{self.day}/{self.period}"


def line_rows(statement: SettlementStatement) -> Iterator[LineRow]:
    """The lines in order of time."""
    for line in StatementLine.objects.filter(statement=statement).order_by("start_at"):
        yield LineRow(
            start=line.start_at,
            day=line.settlement_date,
            period=line.settlement_period,
            instructed_wh=line.instructed_wh,
            baseline_wh=line.baseline_wh,
            metered_wh=line.metered_wh,
            delivered_wh=line.delivered_wh,
            eligible_wh=line.eligible_wh,
            shortfall_wh=line.shortfall_wh,
            price_gbp_per_kwh=line.price_gbp_per_kwh,
            ratio=line.ratio,
            scale=line.scale,
            pay_gbp=line.pay_gbp,
            penalty_gbp=line.penalty_gbp,
            imbalance=line.imbalance,
            reading_source=line.reading_source,
            reading_quality=line.reading_quality,
            reading_label=line.reading_label,
            reading_known_at=line.reading_known_at,
        )


def line_export(lines: Iterable[LineRow]) -> Iterator[list[object]]:
    """The rows under LINE_HEADER of the lines of one statement."""
    for line in lines:
        yield [
            line.day.isoformat(),
            line.period,
            utc_text(line.start),
            line.instructed_wh,
            line.baseline_wh,
            line.metered_wh,
            line.delivered_wh,
            line.eligible_wh,
            line.shortfall_wh,
            *("" if value is None else f"{value:f}" for value in (line.price_gbp_per_kwh, line.ratio, line.scale)),
            line.pay_gbp,
            line.penalty_gbp,
            line.imbalance.get("gbp", ""),
            line.reading_source,
            line.reading_quality,
            line.reading_label,
            utc_text(line.reading_known_at) if line.reading_known_at else "",
            line.imbalance.get("mwh", ""),
            line.imbalance.get("system_gbp_per_mwh", ""),
            line.imbalance.get("price_run", ""),
            line.imbalance.get("source", ""),
            utc_text(line.price_known_at) if line.price_known_at else "",
        ]
