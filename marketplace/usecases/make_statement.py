"""Make one settlement statement: measure, price, store, log it and tell the buyer, in the transaction of the caller.

Which run and version it is, and whether it is made at all, is decided by settle_activation and resettle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings

from beckn import outbox
from flex_engine.settle.payment import Payment, pay
from flex_engine.settle.versions import Named, Reason, due_at, next_run
from flex_engine.timegrid import settlement_period
from marketplace import enqueue, events, notify
from marketplace.models import Activation, SettlementProgress, SettlementStatement, StatementLine
from marketplace.rules.order_state import ActivationState
from marketplace.usecases.measure_delivery import Measured, measure_delivery
from marketplace.wire.activation import delivery_attributes
from marketplace.wire.contract import order_contract, performance_entry

LINE_FIELDS = ("instructed_wh", "baseline_wh", "metered_wh", "delivered_wh", "eligible_wh", "shortfall_wh")


@dataclass(frozen=True, slots=True)
class Worked:
    """What an activation comes to by what was known at `known_at`."""

    measured: Measured
    money: Payment
    known_at: datetime


def work_out_activation(activation: Activation, *, known_at: datetime) -> Worked:
    """Delivery and money by what was known at `known_at`. Raises MarketError where a reading or a price is missing."""
    order = activation.order
    measured = measure_delivery(activation=activation, now=known_at)
    money = pay(
        measured.lines,
        price_gbp_per_kwh=order.utilisation_price_gbp_per_kwh,
        penalty_gbp_per_kwh=order.shortfall_penalty_gbp_per_kwh,
    )
    return Worked(measured, money, known_at)


def says_the_same(statement: SettlementStatement, worked: Worked) -> bool:
    """Whether every figure of a stored statement, energy and money, is the one worked out now."""
    money = worked.money
    amounts = (statement.payment_pence, statement.penalty_pence, statement.amount_pence)
    if amounts != (money.payment_pence, money.penalty_pence, money.amount_pence):
        return False
    stored = list(statement.lines.order_by("start_at").values_list("start_at", *LINE_FIELDS))
    return stored == [(line.start, *(getattr(line, name) for name in LINE_FIELDS)) for line in worked.measured.lines]


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
    measured, money = worked.measured, worked.money
    statement = SettlementStatement.objects.create(
        activation=activation,
        sequence=supersedes.sequence + 1 if supersedes else 1,
        run=name.run,
        version=name.version,
        supersedes=supersedes,
        reason=reason,
        knowledge_time=worked.known_at,
        baseline_method=measured.baseline.method,
        baseline_facts=measured.baseline.facts(),
        delivered_wh=sum(line.delivered_wh for line in measured.lines),
        eligible_wh=sum(line.eligible_wh for line in measured.lines),
        shortfall_wh=sum(line.shortfall_wh for line in measured.lines),
        payment_pence=money.payment_pence,
        penalty_pence=money.penalty_pence,
        amount_pence=money.amount_pence,
        delta_pence=money.amount_pence - supersedes.amount_pence if supersedes else None,
        label=str(measured.label),
        created_at=now,
    )
    StatementLine.objects.bulk_create(line_rows(statement, measured))
    return statement


def line_rows(statement: SettlementStatement, measured: Measured) -> Sequence[StatementLine]:
    """One row for each settlement period."""
    rows = []
    for line in measured.lines:
        day, period = settlement_period(line.start)
        energy = {name: getattr(line, name) for name in LINE_FIELDS}
        rows.append(
            StatementLine(
                statement=statement, start_at=line.start, settlement_date=day, settlement_period=period, **energy
            )
        )
    return rows


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
    last = activation.periods.order_by("-start_at").values_list("start_at", flat=True)[0]
    return settlement_period(last)[0]


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
    contract = order_contract(order, seller=seller)
    settled = activation.state == ActivationState.SETTLED
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
        "label": statement.label,
        "lines": [
            {
                "date": line.settlement_date.isoformat(),
                "period": line.settlement_period,
                "baseline_wh": str(line.baseline_wh),
                "metered_wh": str(line.metered_wh),
                "delivered_wh": str(line.delivered_wh),
                "eligible_wh": str(line.eligible_wh),
            }
            for line in statement.lines.order_by("start_at")
        ],
    }
