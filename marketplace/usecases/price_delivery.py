"""Price what was measured, by the product of the order: utilisation, availability, penalties, or a wholesale trade.

It reads prices known at a moment and stores nothing. The arithmetic is flex_engine.settle's; here the terms and the prices
are found. A price that is not known stops the statement with a sentence that names the period: it is never taken as zero.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Sum

from flex_engine.quantities import Label, exact
from flex_engine.settle.availability import AvailabilityWindow, availability
from flex_engine.settle.payment import Component, Payment, PeriodPay, component, pay, period_pays, total
from flex_engine.settle.performance import performance_table
from flex_engine.settle.products import Product
from flex_engine.settle.wholesale import WholesaleCash, settle_wholesale
from flex_engine.timegrid import day_start, settlement_period
from marketplace.models import Activation, Order, SettlementStatement, SignalPoint
from marketplace.rules.errors import MarketError
from marketplace.rules.order_state import ActivationState
from marketplace.usecases.measure_delivery import Measured

SYSTEM_PRICE = "price"  # the series that the feed of system prices fills
NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Priced:
    """What a delivery is worth. `trade` is there for a wholesale product only, with the system prices it was settled at."""

    money: Payment
    periods: tuple[PeriodPay, ...]
    trade: WholesaleCash | None = None
    system: Mapping[datetime, SignalPoint] = field(default_factory=dict)

    @property
    def simulated(self) -> bool:
        """Whether any price was made by a simulator."""
        return any(point.label == Label.SIMULATED for point in self.system.values())


def price_delivery(*, activation: Activation, measured: Measured, product: Product, now: datetime) -> Priced:
    """The money of a delivery by the prices known at `now`. Raises MarketError PRICES_MISSING naming each period."""
    if product.regulatory_basis == "P415_VTP":
        return traded(activation, measured, now=now)
    order = activation.order
    day, _ = settlement_period(activation.start_at)
    price = order.utilisation_price_gbp_per_kwh
    penalty = order.shortfall_penalty_gbp_per_kwh if product.penalty_rule == "DEFICIENCY_PRICE" else NOTHING
    table = performance_table(product.performance_table, day=day)
    periods = period_pays(measured.lines, price_gbp_per_kwh=price, penalty_gbp_per_kwh=penalty, table=table)
    missed = {one.start for one in periods if one.scale == 0} if product.penalty_rule == "LOST_AVAILABILITY" else set()
    ready = stood_ready(activation, product, missed=missed, now=now) if product.pays_availability else []
    money = pay(measured.lines, price_gbp_per_kwh=price, penalty_gbp_per_kwh=penalty, table=table, others=ready)
    return Priced(money, tuple(periods))


def stood_ready(
    activation: Activation, product: Product, *, missed: Collection[datetime], now: datetime
) -> list[Component]:
    """AVAILABILITY of everything ordered, in the statement of the order's first dispatch, and CLAWBACK of what was missed.

    The fee is scaled by the record of the month before; a window is missed where its delivery earns nothing.
    """
    order = activation.order
    windows = windows_of(order)
    dispatched = order.activations.exclude(state=ActivationState.REJECTED).order_by("start_at", "pk")
    first = dispatched.values_list("pk", flat=True)[0] == activation.pk
    day, _ = settlement_period(activation.start_at)
    delivered, instructed = record_of_month_before(order, product, day=day, now=now)
    lines = availability(
        windows if first else [window for window in windows if window.start in missed],
        table=performance_table(str(product.availability_table), day=day),
        delivered_wh=delivered,
        instructed_wh=instructed,
        missed=missed,
    )
    return lines if first else [line for line in lines if line.type == "CLAWBACK"]


def windows_of(order: Order) -> list[AvailabilityWindow]:
    """Every half hour that was ordered, at the order's price for standing ready."""
    return [
        AvailabilityWindow(row.start_at, 1, row.ordered_kw.scaleb(-3), order.availability_price_gbp_per_mw_h)
        for row in order.periods.order_by("start_at")
    ]


def record_of_month_before(order: Order, product: Product, *, day: date, now: datetime) -> tuple[int, int]:
    """(delivered, instructed) Wh of the order's site under the product in the calendar month before that of `day`.

    By the statements known at `now`. What was delivered beyond an instruction does not make up for another.
    """
    end = day.replace(day=1)
    start = end.replace(year=end.year - 1, month=12) if end.month == 1 else end.replace(month=end.month - 1)
    rows = SettlementStatement.objects.filter(
        order__offer__site=order.offer.site,
        order__offer__product=product.key,
        activation__start_at__gte=day_start(start),
        activation__start_at__lt=day_start(end),
        knowledge_time__lte=now,
    ).order_by("sequence")
    newest = {row.activation_id: row for row in rows.annotate(instructed_wh=Sum("lines__instructed_wh"))}
    instructed = sum(row.instructed_wh for row in newest.values())
    return instructed - sum(row.shortfall_wh for row in newest.values()), instructed


def traded(activation: Activation, measured: Measured, *, now: datetime) -> Priced:
    """A wholesale trade: sold at the contract price, and what was delivered beside it settled at the system price.

    Volumes are positive for less import. A turn-up is sold as negative volume, and its price is still paid to the seller.
    """
    order = activation.order
    sign = 1 if order.offer.direction == "REDUCE" else -1
    system = system_prices(measured.moved_wh, now=now)
    cash = settle_wholesale(
        sold_wh={line.start: sign * line.instructed_wh for line in measured.lines},
        delivered_wh=measured.moved_wh,
        contract_gbp_per_mwh=sign * order.utilisation_price_gbp_per_kwh * 1000,
        system_gbp_per_mwh={start: decimal_of(point) for start, point in system.items()},
        scrp_gbp_per_mwh=None,
        kind="MUTUALISED",
    )
    periods = period_pays(
        measured.lines, price_gbp_per_kwh=order.utilisation_price_gbp_per_kwh, penalty_gbp_per_kwh=NOTHING
    )
    return Priced(total(components_of(order, cash)), tuple(of_trade(periods, cash)), cash, system)


def components_of(order: Order, cash: WholesaleCash) -> list[Component]:
    """What the buyer pays for what was sold, and the imbalance, which is not the buyer's."""
    sold = exact_sum(abs(line.sold_mwh) for line in cash.lines)
    beside = exact_sum(line.imbalance_mwh for line in cash.lines)
    price = order.utilisation_price_gbp_per_kwh.normalize()
    return [
        component("USAGE", f"{sold.normalize():f} MWh sold at {price:f} GBP/kWh", exact_sum(x.contract_gbp for x in cash.lines)),
        component("IMBALANCE", f"{beside.normalize():+f} MWh at the system price", exact_sum(x.imbalance_gbp for x in cash.lines)),
    ]  # fmt: skip


def of_trade(periods: Iterable[PeriodPay], cash: WholesaleCash) -> Iterable[PeriodPay]:
    """The periods with what each was sold for as their pay."""
    for one, line in zip(periods, cash.lines, strict=True):
        yield PeriodPay(one.start, one.price_gbp_per_kwh, one.ratio, one.scale, line.contract_gbp, NOTHING)


def system_prices(starts: Iterable[datetime], *, now: datetime) -> dict[datetime, SignalPoint]:
    """The system price of each of `starts` as known at `now`, GBP/MWh. Raises MarketError PRICES_MISSING."""
    wanted = sorted(starts)
    rows = SignalPoint.objects.filter(
        series=SYSTEM_PRICE, start_at__in=wanted, known_at__lte=now, label__in=[Label.MEASURED, Label.SIMULATED]
    )
    found = {row.start_at: row for row in rows.order_by("known_at", "pk")}
    missing = [start for start in wanted if start not in found]
    if missing:
        named = ", ".join(f"{start:%Y-%m-%dT%H:%M}Z" for start in missing)
        raise MarketError(
            "PRICES_MISSING",
            f"There is no system price for {named}.",
            fix="Load the prices or switch the live feeds on; the activation then settles by itself.",
        )
    return found


def decimal_of(point: SignalPoint) -> Decimal:
    """A stored value as it was published: the shortest decimal that a stored double stands for."""
    return Decimal(repr(point.value))


def exact_sum(amounts: Iterable[Decimal]) -> Decimal:
    """The sum of `amounts`, with every digit."""
    with exact():
        return sum(amounts, NOTHING)
