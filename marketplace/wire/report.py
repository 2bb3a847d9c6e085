"""An order as its buyer is told of it: the contract, each dispatch with its measured delivery, settlements and disputes."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from marketplace.models import Activation, Anchor, Order, SettlementRecord, SettlementStatement
from marketplace.wire.activation import activation_attributes, delivery_attributes, settlement_entry
from marketplace.wire.contract import order_contract, performance_entry


def report_order(order: Order) -> dict[str, Any]:
    """The contract as it stands. Of settlements, those that nothing supersedes and those that were disputed."""
    contract = order_contract(order, seller=settings.BECKN_PARTICIPANTS["bpp"]["subscriber_id"])
    entries = [entry_of(activation) for activation in order.activations.order_by("created_at", "pk")]
    told = [
        settlement_entry(statement, audit_trail=audit_trail(statement) or {"state": "WAITING"})
        for statement in worth_telling(order)
    ]
    return contract | ({"performance": entries} if entries else {}) | ({"settlements": told} if told else {})


def worth_telling(order: Order) -> list[SettlementStatement]:
    """Statements of the order that stand or were disputed, by window and in the order in which they were made."""
    made = SettlementStatement.objects.filter(order=order)
    rows = made.filter(superseded_by__isnull=True) | made.filter(disputes__isnull=False)
    return list(rows.distinct().order_by("start_at", "activation_id", "sequence"))


def entry_of(activation: Activation) -> dict[str, Any]:
    """An activation's performance entry: the instruction, or the measured delivery once there is a statement."""
    statement = activation.statements.order_by("-sequence").first()
    attributes = delivery_attributes(statement) if statement else activation_attributes(activation)
    return performance_entry(activation, activation.state, attributes)


def audit_trail(statement: SettlementStatement) -> dict[str, Any] | None:
    """Where the proof stands, in FlexSettlement's words; None while the transaction is not final."""
    if settings.CHAIN_RPC_URL == "none":
        return {"state": "NO_CHAIN"}
    record = SettlementRecord.objects.select_related("anchor").filter(statement=statement).first()
    if record is None or record.anchor is None or record.anchor.state != Anchor.State.FINAL:
        return None
    anchor = record.anchor
    return {
        "state": "ANCHORED",
        "chainId": anchor.chain_id,
        "contract": anchor.contract,
        "txHash": anchor.tx_hash,
        "settlementId": f"0x{record.settlement_id.removeprefix('0x')}",
        "commitment": f"0x{record.commitment.removeprefix('0x')}",
    }
