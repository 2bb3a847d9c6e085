"""What a delivery is paid, to the penny. Rates are Decimal GBP per kWh; rounding is half-even, once per component.

Every sum before that is exact: an operation that would lose a digit raises instead. What rounding left over is kept beside
the pence, so that it can be carried to the next invoice. VAT is kept apart, in vat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from flex_engine.quantities import exact, kwh, pence, share
from flex_engine.settle.delivery import PeriodDelivery
from flex_engine.settle.performance import PerformanceTable

Rate = Decimal | Mapping[datetime, Decimal]
ComponentType = Literal["USAGE", "AVAILABILITY", "PENALTY", "CLAWBACK", "IMBALANCE", "CANCELLATION_FEE"]
OWED_BY_SELLER = {"PENALTY", "CLAWBACK"}
NOT_THE_BUYERS = {"IMBALANCE", "IMBALANCE_ROUNDING"}


@dataclass(frozen=True, slots=True)
class Component:
    """One line of a payment; what the seller owes is negative. `residual_gbp`: the exact amount less the pence.

    `basis` holds what it was worked out from where that is no half hour of the delivery: whole numbers and decimals as text.
    """

    type: str
    description: str
    pence: int
    residual_gbp: Decimal = Decimal(0)
    basis: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Payment:
    """amount = payment - penalty, and the components sum to it. Positive: the buyer pays the seller."""

    payment_pence: int
    penalty_pence: int
    amount_pence: int
    components: tuple[Component, ...]

    @property
    def buyer_pence(self) -> int:
        """What the buyer pays of the amount: all but what is settled at the system price, which is not the buyer's."""
        return sum(part.pence for part in self.components if part.type not in NOT_THE_BUYERS)

    @property
    def residual_gbp(self) -> Decimal:
        """What rounding left over, over all components."""
        with exact():
            return sum((part.residual_gbp for part in self.components), Decimal(0))


@dataclass(frozen=True, slots=True)
class PeriodPay:
    """One settlement period's part of a payment, exact GBP; `ratio` is delivered of instructed, to six places."""

    start: datetime
    price_gbp_per_kwh: Decimal
    ratio: Decimal
    scale: Decimal
    pay_gbp: Decimal
    penalty_gbp: Decimal


def period_pays(
    lines: Sequence[PeriodDelivery],
    *,
    price_gbp_per_kwh: Rate,
    penalty_gbp_per_kwh: Rate,
    table: PerformanceTable | None = None,
) -> list[PeriodPay]:
    """What `pay` adds up, period by period: by it a third party finds the half hour in which two sums differ."""
    found = []
    with exact():
        for line in lines:
            price, part = rate(price_gbp_per_kwh, line.start), scale(table, line)
            found.append(
                PeriodPay(
                    start=line.start,
                    price_gbp_per_kwh=price,
                    ratio=share(line.delivered_wh, line.instructed_wh) if line.instructed_wh else Decimal(0),
                    scale=part,
                    pay_gbp=kwh(line.eligible_wh) * price * part,
                    penalty_gbp=kwh(line.shortfall_wh) * rate(penalty_gbp_per_kwh, line.start),
                )
            )
    return found


def pay(
    lines: Sequence[PeriodDelivery],
    *,
    price_gbp_per_kwh: Rate,
    penalty_gbp_per_kwh: Rate,
    table: PerformanceTable | None = None,
    others: Sequence[Component] = (),
) -> Payment:
    """Utilisation of the eligible energy less the penalty on the shortfall, with `others` beside them.

    `table` scales each period's price by its delivered share; without one every eligible kWh earns the price. The table's
    cap is deliver's `cap_percent`. `others` are availability and its clawback. Raises KeyError for a period without a rate.

    >>> from datetime import UTC, datetime
    >>> line = PeriodDelivery(datetime(2026, 1, 15, 17, tzinfo=UTC), 600000, 1000000, 425000, 575000, 575000, 25000)
    >>> pay([line], price_gbp_per_kwh=Decimal("0.25"), penalty_gbp_per_kwh=Decimal("0.10")).amount_pence
    14125
    """
    with exact():
        earned = sum(
            (kwh(line.eligible_wh) * rate(price_gbp_per_kwh, line.start) * scale(table, line) for line in lines),
            Decimal(0),
        )
        owed = sum((kwh(line.shortfall_wh) * rate(penalty_gbp_per_kwh, line.start) for line in lines), Decimal(0))
    eligible = kwh(sum(line.eligible_wh for line in lines))
    components = [component("USAGE", f"{eligible} kWh eligible", earned)]
    penalty = component("PENALTY", f"{kwh(sum(line.shortfall_wh for line in lines))} kWh short", -owed)
    if owed:
        components.append(penalty)
    return total([*components, *others])


def scale(table: PerformanceTable | None, line: PeriodDelivery) -> Decimal:
    """The share of the price that a period earns."""
    return Decimal(1) if table is None else table.scale(line.delivered_wh, line.instructed_wh)


def component(
    kind: ComponentType, description: str, amount: Decimal, *, basis: Mapping[str, str] | None = None
) -> Component:
    """A line of `amount` GBP, rounded once. What rounding leaves over is carried by rounding.carry."""
    with exact():
        rounded = pence(amount)
        return Component(kind, description, rounded, amount - Decimal(rounded).scaleb(-2), dict(basis or {}))


def total(components: Sequence[Component]) -> Payment:
    """The payment its components make."""
    owed = -sum(part.pence for part in components if part.type in OWED_BY_SELLER)
    amount = sum(part.pence for part in components)
    return Payment(amount + owed, owed, amount, tuple(components))


def rate(rates: Rate, start: datetime) -> Decimal:
    """The rate of one period."""
    return rates if isinstance(rates, Decimal) else rates[start]
