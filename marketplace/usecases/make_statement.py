"""Make one settlement statement: measure, price, store, log it and tell the buyer, in the transaction of the caller.

Which run and version it is, and whether it is made at all, is decided by settle_activation and resettle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings

from beckn import outbox
from flex_engine.quantities import Label
from flex_engine.settle.effective import NothingInForceError
from flex_engine.settle.payment import Payment
from flex_engine.settle.products import Product
from flex_engine.settle.vat import invoice
from flex_engine.settle.versions import Named, Reason, due_at, next_run
from flex_engine.timegrid import HALF_HOUR, settlement_period
from marketplace import enqueue, events, notify
from marketplace.models import Activation, SettlementProgress, SettlementStatement, StatementLine
from marketplace.rules.order_state import ActivationState
from marketplace.rules.product_terms import product_on
from marketplace.usecases.account_carbon import account_carbon
from marketplace.usecases.compensate_supplier import compensate_supplier
from marketplace.usecases.measure_delivery import Measured, measure_delivery
from marketplace.usecases.price_delivery import Priced, decimal_of, price_delivery
from marketplace.wire.activation import delivery_attributes, settlement_entry
from marketplace.wire.contract import order_contract, performance_entry

LINE_FIELDS = ("instructed_wh", "baseline_wh", "metered_wh", "delivered_wh", "eligible_wh", "shortfall_wh")


@dataclass(frozen=True, slots=True)
class Worked:
    """What an activation comes to by what was known at `known_at`."""

    product: Product
    measured: Measured
    priced: Priced
    compensation: list[dict[str, Any]]
    known_at: datetime


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
    if statement.compensation != worked.compensation:
        return False
    stored = list(statement.lines.order_by("start_at").values_list("start_at", *LINE_FIELDS))
    return stored == [(line.start, *(getattr(line, name) for name in LINE_FIELDS)) for line in worked.measured.lines]


def pence_by_type(components: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """Component types with their pence; what came to nothing is left out."""
    return [(part["type"], part["pence"]) for part in components if part["pence"]]


def components_of(money: Payment) -> list[dict[str, Any]]:
    """The components as they are stored."""
    return [
        {"type": part.type, "description": part.description, "pence": part.pence, "residual_gbp": f"{part.residual_gbp:f}"}
        for part in money.components
    ]  # fmt: skip


def make_statement(
    *,
    activation: Activation,
    worked: Worked,
    name: Named,
    reason: Reason,
    supersedes: SettlementStatement | None,
    now: datetime,
) -> SettlementStatement:
    """Store the statement with its lines, its event and its message, and note what comes next."""
    statement = store(activation, worked, name=name, reason=reason, supersedes=supersedes, now=now)
    note_progress(statement)
    record(statement, now=now)
    return statement


def store(
    activation: Activation,
    worked: Worked,
    *,
    name: Named,
    reason: Reason,
    supersedes: SettlementStatement | None,
    now: datetime,
) -> SettlementStatement:
    """The statement's rows."""
    measured, money = worked.measured, worked.priced.money
    statement = SettlementStatement.objects.create(
        activation=activation,
        sequence=supersedes.sequence + 1 if supersedes else 1,
        run=name.run,
        version=name.version,
        supersedes=supersedes,
        reason=reason,
        knowledge_time=worked.known_at,
        baseline_method=measured.baseline.method,
        baseline_facts=measured.facts,
        terms=terms_of(activation, worked.product),
        delivered_wh=sum(line.delivered_wh for line in measured.lines),
        eligible_wh=sum(line.eligible_wh for line in measured.lines),
        shortfall_wh=sum(line.shortfall_wh for line in measured.lines),
        payment_pence=money.payment_pence,
        penalty_pence=money.penalty_pence,
        amount_pence=money.amount_pence,
        components=components_of(money),
        delta_pence=money.amount_pence - supersedes.amount_pence if supersedes else None,
        vat=vat_of(money.buyer_pence, settlement_period(activation.start_at)[0]),
        compensation=worked.compensation,
        carbon=account_carbon(moved_wh=measured.moved_wh, now=worked.known_at),
        label=str(label_of(measured, worked.priced)),
        created_at=now,
    )
    StatementLine.objects.bulk_create(line_rows(statement, worked))
    return statement


def label_of(measured: Measured, priced: Priced) -> Label:
    """The least certain of what the figures rest on: a simulator, a half hour that a rule estimated, or meters alone."""
    if measured.simulated or priced.simulated:
        return Label.SIMULATED
    settled = (measured.readings[line.start].quality for line in measured.lines)
    return Label.MEASURED if all(quality == "ACTUAL" for quality in settled) else Label.ESTIMATED


def terms_of(activation: Activation, sold_as: Product) -> dict[str, Any]:
    """The terms the money was worked out by, JSON-safe."""
    order = activation.order
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


def line_rows(statement: SettlementStatement, worked: Worked) -> Sequence[StatementLine]:
    """One row for each settlement period."""
    measured, priced = worked.measured, worked.priced
    rows = []
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
                imbalance=imbalance_of(priced, line.start),
                reading_source=reading.source,
                reading_quality=reading.quality,
                reading_label=reading.label,
                reading_known_at=reading.known_at,
            )
        )
    return rows


def imbalance_of(priced: Priced, start: datetime) -> dict[str, Any]:
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
    }


def note_progress(statement: SettlementStatement) -> None:
    """Write down which run comes next and when. What was known by the statement's knowledge time needs no comparing."""
    activation = statement.activation
    following = next_run(statement.run)
    SettlementProgress.objects.update_or_create(
        activation=activation,
        defaults={
            "next_run": following or "",
            "next_due_at": due_at(settlement_day(activation), following) if following else None,
            "checked_at": statement.knowledge_time,
        },
    )


def settlement_day(activation: Activation) -> date:
    """The London day of the activation's last period: when a run of it is due, every one of its periods has that run."""
    return settlement_period(activation.end_at - HALF_HOUR)[0]


def record(statement: SettlementStatement, *, now: datetime) -> None:
    """The event, the buyer's on_status and the anchoring that follow from a statement."""
    activation = statement.activation
    order = activation.order
    organisation = order.offer.site.organisation
    events.append(
        type="settlement.statement",
        subject=f"order:{order.pk}",
        payload=told(statement),
        organisations=[organisation],
        now=now,
    )
    seller = settings.BECKN_PARTICIPANTS["bpp"]["subscriber_id"]
    settled = activation.state == ActivationState.SETTLED
    contract = order_contract(order, seller=seller, statement=statement if settled else None)
    if settled:  # what was settled is corrected; its proof follows
        contract["settlements"] = [settlement_entry(statement, audit_trail={"state": "WAITING"})]
    code = ActivationState.SETTLED if settled else ActivationState.DELIVERY_COMPLETE
    contract["performance"] = [performance_entry(activation, code, delivery_attributes(statement))]
    outbox.send(
        role="bpp",
        action="on_status",
        message={"contract": contract},
        to=order.buyer_subscriber_id,
        transaction_id=order.transaction_id,
    )
    enqueue.enqueue("marketplace.agents.housekeeping.anchor")
    notify.changed(f"order:{order.pk}", f"orders:{organisation.slug}", "ledger")


def told(statement: SettlementStatement) -> dict[str, Any]:
    """The statement as its event tells it: whole numbers as text, so that the log's canonical form holds them."""
    before = statement.supersedes
    superseding = {"supersedes": str(before.pk), "delta_pence": str(statement.delta_pence)} if before else {}
    return {
        "statement": str(statement.pk),
        "order": str(statement.activation.order_id),
        "activation": statement.activation.instruction_id,
        "run": statement.run,
        "version": statement.version,
        "reason": statement.reason,
        "knowledge_time": statement.knowledge_time.isoformat(),
        "baseline_method": statement.baseline_method,
        "delivered_wh": str(statement.delivered_wh),
        "eligible_wh": str(statement.eligible_wh),
        "shortfall_wh": str(statement.shortfall_wh),
        "payment_pence": str(statement.payment_pence),
        "penalty_pence": str(statement.penalty_pence),
        "amount_pence": str(statement.amount_pence),
        **superseding,
        "terms": statement.terms,
        "components": [
            {name: str(part[name]) for name in ("type", "pence", "residual_gbp")} for part in statement.components
        ],
        "compensation": [{name: str(value) for name, value in line.items()} for line in statement.compensation],
        "label": statement.label,
        "lines": [
            {
                "date": line.settlement_date.isoformat(),
                "period": line.settlement_period,
                "baseline_wh": str(line.baseline_wh),
                "metered_wh": str(line.metered_wh),
                "delivered_wh": str(line.delivered_wh),
                "eligible_wh": str(line.eligible_wh),
                **money_of(line),
            }
            for line in statement.lines.order_by("start_at")
        ],
    }


def money_of(line: StatementLine) -> dict[str, str]:
    """What one half hour was paid by, as text; absent for a line that was kept without it."""
    if line.scale is None:
        return {}
    imbalance = {f"imbalance_{name}": line.imbalance[name] for name in ("mwh", "gbp") if name in line.imbalance}
    return {
        "instructed_wh": str(line.instructed_wh),
        "shortfall_wh": str(line.shortfall_wh),
        "price_gbp_per_kwh": f"{line.price_gbp_per_kwh:f}",
        "scale": f"{line.scale:f}",
        "pay_gbp": line.pay_gbp,
        "penalty_gbp": line.penalty_gbp,
        **imbalance,
    }
