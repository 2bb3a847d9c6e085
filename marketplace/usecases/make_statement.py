"""Make one settlement statement: measure, price, store, log it and tell the buyer, in the transaction of the caller.

Which run and version it is, and whether it is made at all, is decided by settle_activation, settle_order and resettle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, partial
from typing import Any

from flex_engine.quantities import Label
from flex_engine.settle.delivery import PeriodDelivery
from flex_engine.settle.effective import NothingInForceError
from flex_engine.settle.payment import Payment
from flex_engine.settle.products import Product
from flex_engine.settle.rounding import CARRIED
from flex_engine.settle.settlement_calendar import Published, run_of_price
from flex_engine.settle.vat import invoice
from flex_engine.settle.versions import Named, Reason, due_at, next_run
from flex_engine.timegrid import settlement_period
from marketplace.models import (
    Activation,
    Held,
    Order,
    SettlementProgress,
    SettlementStatement,
    StatementLine,
    published_dates,
    window_of,
)
from marketplace.rules.order_state import OrderState
from marketplace.rules.product_terms import product_on
from marketplace.usecases.account_carbon import account_carbon
from marketplace.usecases.carry_rounding import carry_rounding
from marketplace.usecases.compensate_supplier import compensate_supplier
from marketplace.usecases.measure_delivery import Measured, measure_delivery
from marketplace.usecases.price_delivery import Priced, decimal_of, price_delivery
from marketplace.usecases.price_order import price_order
from marketplace.usecases.tell_statement import tell_statement

LINE_FIELDS = ("instructed_wh", "baseline_wh", "metered_wh", "delivered_wh", "eligible_wh", "shortfall_wh")


@dataclass(frozen=True, slots=True)
class Worked:
    """What a dispatch, or an order that none was under, comes to by what was known at `known_at`.

    `measured` is None where nothing was called and so nothing was metered.
    """

    product: Product
    measured: Measured | None
    priced: Priced
    compensation: list[dict[str, Any]]
    known_at: datetime

    @property
    def lines(self) -> Sequence[PeriodDelivery]:
        """Delivery of each settlement period; none where nothing was called."""
        return self.measured.lines if self.measured else ()


def work_out(held: Held, *, known_at: datetime) -> Worked:
    """Delivery and money of what is held. Raises MarketError as work_out_activation does."""
    if held.activation is None:
        return work_out_order(held.order, known_at=known_at)
    return work_out_activation(held.activation, known_at=known_at)


def work_out_order(order: Order, *, known_at: datetime) -> Worked:
    """The money of an order that no dispatch was under. Raises MarketError where its product is not in force on its day."""
    sold_as = product_on(order.offer.product, window_of(order)[0])
    return Worked(sold_as, None, price_order(order=order, product=sold_as, now=known_at), [], known_at)


def work_out_activation(activation: Activation, *, known_at: datetime) -> Worked:
    """Delivery and money by what was known at `known_at`.

    Raises MarketError where a reading or a price is missing, or the order's product is not in force on its day.
    """
    sold_as = product_on(activation.order.offer.product, activation.start_at)
    measured = measure_delivery(activation=activation, product=sold_as, now=known_at)
    priced = price_delivery(activation=activation, measured=measured, product=sold_as, now=known_at)
    paid = compensate_supplier(moved_wh=measured.moved_wh, product=sold_as, now=known_at)
    return Worked(sold_as, measured, priced, paid, known_at)


def says_the_same(statement: SettlementStatement, worked: Worked) -> bool:
    """Whether every figure of a stored statement is the one worked out now: energy, money and compensation.

    Carbon is told as it was known at each run; a revised intensity alone makes no new statement.
    """
    if pence_by_type(statement.components) != pence_by_type(components_of(worked.priced.money)):
        return False
    if compensated(statement.compensation) != compensated(worked.compensation):
        return False
    stored = list(statement.lines.order_by("start_at").values_list("start_at", *LINE_FIELDS))
    return stored == [(line.start, *(getattr(line, name) for name in LINE_FIELDS)) for line in worked.lines]


def compensated(lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Compensation without when its price was known: a price that is told again and says the same changes no figure."""
    return [{name: line[name] for name in line.keys() - {"known_at", "price_run"}} for line in lines]


def pence_by_type(components: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """Component types with their pence; what came to nothing is left out, and so is what rounding left over elsewhere."""
    carried = set(CARRIED.values())
    return [(part["type"], part["pence"]) for part in components if part["pence"] and part["type"] not in carried]


def components_of(money: Payment) -> list[dict[str, Any]]:
    """The components as they are stored."""
    return [
        {
            "type": part.type,
            "description": part.description,
            "pence": part.pence,
            "residual_gbp": f"{part.residual_gbp:f}",
            **({"basis": dict(part.basis)} if part.basis else {}),
        }
        for part in money.components
    ]


def make_statement(
    *,
    held: Held,
    worked: Worked,
    name: Named,
    reason: Reason,
    supersedes: SettlementStatement | None,
    now: datetime,
) -> SettlementStatement:
    """Store the statement with its lines, its event and its message, and note what comes next."""
    statement = store(held, worked, name=name, reason=reason, supersedes=supersedes, now=now)
    note_progress(statement, held)
    tell_statement(statement=statement, now=now)
    return statement


def store(
    held: Held,
    worked: Worked,
    *,
    name: Named,
    reason: Reason,
    supersedes: SettlementStatement | None,
    now: datetime,
) -> SettlementStatement:
    """The statement's rows."""
    measured = worked.measured
    money, rounding = carry_rounding(order=held.order, money=worked.priced.money, supersedes=supersedes, now=now)
    statement = SettlementStatement.objects.create(
        order=held.order,
        activation=held.activation,
        start_at=held.start_at,
        end_at=held.end_at,
        sequence=supersedes.sequence + 1 if supersedes else 1,
        run=name.run,
        version=name.version,
        supersedes=supersedes,
        reason=reason,
        knowledge_time=worked.known_at,
        baseline_method=measured.baseline.method if measured else "",
        baseline_facts=measured.facts if measured else {},
        terms=terms_of(held.order, worked.product),
        delivered_wh=sum(line.delivered_wh for line in worked.lines),
        eligible_wh=sum(line.eligible_wh for line in worked.lines),
        shortfall_wh=sum(line.shortfall_wh for line in worked.lines),
        payment_pence=money.payment_pence,
        penalty_pence=money.penalty_pence,
        amount_pence=money.amount_pence,
        components=components_of(money),
        rounding=rounding,
        delta_pence=money.amount_pence - supersedes.amount_pence if supersedes else None,
        vat=vat_of(money.buyer_pence, settlement_period(held.start_at)[0]),
        compensation=worked.compensation,
        carbon=carbon_of(worked),
        label=str(label_of(measured, worked.priced) if measured else Label.AGREED),
        created_at=now,
    )
    if measured:
        StatementLine.objects.bulk_create(line_rows(statement, measured, worked.priced))
    return statement


def carbon_of(worked: Worked) -> dict[str, Any]:
    """The carbon of what was delivered by what was known; where nothing was called there is none."""
    if worked.measured is None:
        return {"absent": "Nothing was called, so nothing was drawn less."}
    return account_carbon(moved_wh=worked.measured.moved_wh, now=worked.known_at)


def label_of(measured: Measured, priced: Priced) -> Label:
    """The least certain of what the figures rest on: a simulator, a half hour that a rule estimated, or meters alone."""
    if measured.simulated or priced.simulated:
        return Label.SIMULATED
    settled = (measured.readings[line.start].quality for line in measured.lines)
    return Label.MEASURED if all(quality == "ACTUAL" for quality in settled) else Label.ESTIMATED


def terms_of(order: Order, sold_as: Product) -> dict[str, Any]:
    """The terms the money was worked out by, JSON-safe."""
    return {
        "product": sold_as.key,
        "regulatory_basis": sold_as.regulatory_basis,
        "performance_table": sold_as.performance_table,
        "cap_percent": sold_as.cap_percent,
        "penalty_rule": sold_as.penalty_rule,
        "utilisation_price_gbp_per_kwh": f"{order.utilisation_price_gbp_per_kwh:f}",
        "shortfall_penalty_gbp_per_kwh": f"{order.shortfall_penalty_gbp_per_kwh:f}",
        "availability_price_gbp_per_mw_h": f"{order.availability_price_gbp_per_mw_h:f}",
        "known_as": sold_as.evidence,
    }


def vat_of(net_pence: int, day: date) -> dict[str, Any]:
    """VAT on what the buyer pays, apart from it; without a rate for the day, which is why there is none."""
    try:
        found = invoice(net_pence, day=day)
    except NothingInForceError as unknown:
        return {"net_pence": net_pence, "absent": str(unknown)}
    return {
        "net_pence": found.net_pence,
        "rate": f"{found.vat_rate:f}",
        "vat_pence": found.vat_pence,
        "gross_pence": found.gross_pence,
    }


def line_rows(statement: SettlementStatement, measured: Measured, priced: Priced) -> Sequence[StatementLine]:
    """One row for each settlement period."""
    rows = []
    known_dates = cache(partial(published_dates, known_at=statement.knowledge_time))
    for line, paid in zip(measured.lines, priced.periods, strict=True):
        day, period = settlement_period(line.start)
        reading = measured.readings[line.start]
        rows.append(
            StatementLine(
                statement=statement,
                start_at=line.start,
                settlement_date=day,
                settlement_period=period,
                **{name: getattr(line, name) for name in LINE_FIELDS},
                price_gbp_per_kwh=paid.price_gbp_per_kwh,
                ratio=paid.ratio,
                scale=paid.scale,
                pay_gbp=f"{paid.pay_gbp:f}",
                penalty_gbp=f"{paid.penalty_gbp:f}",
                imbalance=imbalance_of(priced, line.start, known_dates(day)),
                reading_source=reading.source,
                reading_quality=reading.quality,
                reading_label=reading.label,
                reading_known_at=reading.known_at,
            )
        )
    return rows


def imbalance_of(priced: Priced, start: datetime, published: Published) -> dict[str, Any]:
    """What a wholesale trade left over in one half hour and the price it was settled at; nothing for another product."""
    if priced.trade is None:
        return {}
    (line,) = [one for one in priced.trade.lines if one.start == start]
    point = priced.system[start]
    return {
        "mwh": f"{line.imbalance_mwh:f}",
        "system_gbp_per_mwh": f"{decimal_of(point):f}",
        "gbp": f"{line.imbalance_gbp:f}",
        "source": point.source,
        "label": point.label,
        "known_at": point.known_at.isoformat(),
        "price_run": run_of_price(settlement_period(start)[0], point.known_at, published=published),
    }


def note_progress(statement: SettlementStatement, held: Held) -> None:
    """Write down which run comes next and when. What was known by the statement's knowledge time needs no comparing.

    A cancellation fee rests on nothing that a later run could know better, so that no run follows.
    """
    following = None if held.order.state == OrderState.CANCELLED else next_run(statement.run)
    day = held.settlement_day
    published = published_dates(day, known_at=statement.created_at)
    SettlementProgress.objects.update_or_create(
        order=held.order,
        activation=held.activation,
        defaults={
            "next_run": following or "",
            "next_due_at": due_at(day, following, published=published) if following else None,
            "checked_at": statement.knowledge_time,
        },
    )
