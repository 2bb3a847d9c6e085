"""What a delivery is paid, to the penny. Rates are Decimal GBP per kWh; rounding is half-even, once per component."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from flex_engine.quantities import kwh, pence
from flex_engine.settle.delivery import PeriodDelivery

Rate = Decimal | Mapping[datetime, Decimal]


@dataclass(frozen=True, slots=True)
class Component:
    """One line of a payment; a penalty is negative."""

    type: str
    description: str
    pence: int


@dataclass(frozen=True, slots=True)
class Payment:
    """amount = payment - penalty, and the components sum to it. Positive: the buyer pays the seller."""

    payment_pence: int
    penalty_pence: int
    amount_pence: int
    components: tuple[Component, ...]


def pay(lines: Sequence[PeriodDelivery], *, price_gbp_per_kwh: Rate, penalty_gbp_per_kwh: Rate) -> Payment:
    """Utilisation of the eligible energy less the penalty on the shortfall. Raises KeyError for a period without a rate.

    >>> from datetime import UTC, datetime
    >>> line = PeriodDelivery(datetime(2026, 1, 15, 17, tzinfo=UTC), 600000, 1000000, 425000, 575000, 575000, 25000)
    >>> pay([line], price_gbp_per_kwh=Decimal("0.25"), penalty_gbp_per_kwh=Decimal("0.10")).amount_pence
    14125
    """
    earned = pence(sum((kwh(line.eligible_wh) * rate(price_gbp_per_kwh, line.start) for line in lines), Decimal(0)))
    owed = pence(sum((kwh(line.shortfall_wh) * rate(penalty_gbp_per_kwh, line.start) for line in lines), Decimal(0)))
    components = [Component("USAGE", f"{kwh(sum(line.eligible_wh for line in lines))} kWh eligible", earned)]
    if owed:
        components.append(Component("PENALTY", f"{kwh(sum(line.shortfall_wh for line in lines))} kWh short", -owed))
    return Payment(earned, owed, earned - owed, tuple(components))


def rate(rates: Rate, start: datetime) -> Decimal:
    """The rate of one period."""
    return rates if isinstance(rates, Decimal) else rates[start]
