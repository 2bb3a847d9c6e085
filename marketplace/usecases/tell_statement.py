"""Tell of a statement that was just made: the log, the buyer and what anchors it, in the transaction of the caller."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings

from beckn import outbox
from marketplace import enqueue, events, notify
from marketplace.models import SettlementStatement, StatementLine
from marketplace.rules.order_state import ActivationState
from marketplace.wire.activation import delivery_attributes, settlement_entry
from marketplace.wire.contract import order_contract, performance_entry


def tell_statement(*, statement: SettlementStatement, now: datetime) -> None:
    """The event, the buyer's on_status and the anchoring that follow from a statement."""
    activation, order = statement.activation, statement.order
    organisation = order.offer.site.organisation
    events.append(
        type="settlement.statement",
        subject=f"order:{order.pk}",
        payload=told(statement),
        organisations=[organisation],
        now=now,
    )
    seller = settings.BECKN_PARTICIPANTS["bpp"]["subscriber_id"]
    settled = activation is None or activation.state == ActivationState.SETTLED
    contract = order_contract(order, seller=seller, statement=statement if settled else None)
    if settled:  # what was settled is corrected, or nothing was delivered that could be told before; its proof follows
        contract["settlements"] = [settlement_entry(statement, audit_trail={"state": "WAITING"})]
    if activation is not None:
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
        "order": str(statement.order_id),
        **({"activation": statement.activation.instruction_id} if statement.activation else {}),
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
            {name: str(part[name]) for name in ("type", "pence", "residual_gbp")}
            | ({"basis": part["basis"]} if "basis" in part else {})
            for part in statement.components
        ],
        "rounding": statement.rounding,
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
