"""Dispatch on the wire: FlexActivation both ways, measured delivery and settlement back to the buyer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from flex_engine.timegrid import settlement_period
from marketplace.models import Activation, SettlementStatement
from marketplace.rules.errors import MarketError
from marketplace.wire.catalogue import SCHEMA
from marketplace.wire.contract import instant_of, pounds
from marketplace.wire.dispute import disputes_of
from marketplace.wire.series import instant, number, read_column, time_series

MOST_IDENTITY, MOST_MECHANISM = 120, 10  # characters, as many as an activation keeps


@dataclass(frozen=True, slots=True)
class Instruction:
    """A buyer's dispatch: power in kW per half hour, with the buyer's id for it."""

    instruction_id: str
    mechanism: str
    requested_kw: Mapping[datetime, Decimal]
    issued_at: datetime
    ack_by: datetime


def read_instruction(message: Mapping[str, Any]) -> Instruction:
    """The one ACTIVATION_REQUESTED entry of an update. Raises MarketError when there is none or more than one."""
    entries = [
        entry
        for entry in message.get("contract", {}).get("performance") or []
        if entry.get("status", {}).get("code") == "ACTIVATION_REQUESTED"
    ]
    if not entries and any(is_delivery(one) for one in message.get("contract", {}).get("performance") or []):
        raise MarketError(
            "BIZ_INVALID_UPDATE_TARGET",
            "The update holds meter readings, and readings are not taken from the party that pays by them.",
            fix="The seller sends its own readings; what was delivered is told in on_status. Dispute a statement instead.",
        )
    if len(entries) != 1:
        raise MarketError(
            "BIZ_INVALID_UPDATE_TARGET",
            f"The update holds {len(entries)} entries with status ACTIVATION_REQUESTED.",
            fix="Send exactly one dispatch in performance[].",
        )
    attributes = entries[0].get("performanceAttributes") or {}
    identity = str(attributes.get("activationId") or entries[0].get("id") or "")
    if not identity or attributes.get("instruction", "DISPATCH") != "DISPATCH":
        raise MarketError(
            "BIZ_INVALID_UPDATE_TARGET", "Only DISPATCH with an activationId is understood.", fix="Send one."
        )
    mechanism = str(attributes.get("mechanism", "NONE"))
    for name, text, most in (("activationId", identity, MOST_IDENTITY), ("mechanism", mechanism, MOST_MECHANISM)):
        if len(text) > most:
            raise MarketError(
                "BIZ_INVALID_UPDATE_TARGET",
                f"{name} {text[:40]!r}... has {len(text)} characters.",
                fix=f"Send at most {most}: an answer must repeat it whole.",
            )
    return Instruction(
        instruction_id=identity,
        mechanism=mechanism,
        requested_kw=read_column(attributes.get("setpoint"), "CAPACITY_REQUESTED"),
        issued_at=instant_of(attributes.get("issuedAt"), "issuedAt"),
        ack_by=instant_of(attributes.get("ackBy"), "ackBy"),
    )


def is_delivery(entry: Mapping[str, Any]) -> bool:
    """Whether a performance entry tells a delivery instead of asking for one."""
    attributes = entry.get("performanceAttributes")
    return isinstance(attributes, Mapping) and attributes.get("@type") == "DemandFlexPerformance"


def flex_activation(
    *,
    instruction_id: str,
    mechanism: str,
    requested_kw: Mapping[datetime, Decimal],
    issued_at: datetime,
    ack_by: datetime,
    meter: str,
) -> dict[str, Any]:
    """FlexActivation v1.0 for a setpoint on consecutive half hours."""
    starts = sorted(requested_kw)
    periods = [settlement_period(start) for start in starts]
    return {
        "@context": f"{SCHEMA}/FlexActivation/v1.0/context.jsonld",
        "@type": "FlexActivation",
        "activationId": instruction_id,
        "instruction": "DISPATCH",
        "mechanism": mechanism,
        "settlementDate": periods[0][0].isoformat(),
        "settlementPeriods": [period for _, period in periods],
        "msidPairs": [meter],
        "issuedAt": instant(issued_at),
        "ackBy": instant(ack_by),
        "setpoint": time_series(starts[0], {"CAPACITY_REQUESTED": [requested_kw[start] for start in starts]}),
    }


def activation_attributes(activation: Activation) -> dict[str, Any]:
    """FlexActivation of a stored activation."""
    return flex_activation(
        instruction_id=activation.instruction_id,
        mechanism=activation.mechanism,
        requested_kw={row.start_at: row.requested_kw for row in activation.periods.all()},
        issued_at=activation.issued_at,
        ack_by=activation.ack_by,
        meter=f"msid-{activation.order.offer.site.msid}",
    )


def delivery_attributes(statement: SettlementStatement) -> dict[str, Any]:
    """DemandFlexPerformance: baseline and metered power per half hour, and their window means."""
    lines = sorted(statement.lines.all(), key=lambda line: line.start_at)
    baseline = [Decimal(line.baseline_wh) / 500 for line in lines]
    usage = [Decimal(line.metered_wh) / 500 for line in lines]
    site = statement.order.offer.site
    instruction_id = statement.activation.instruction_id if statement.activation else ""
    mean = Decimal("0.001")
    return {
        "@context": "https://schema.nfh.global/DemandFlexPerformance/v2.0/context.jsonld",
        "@type": "DemandFlexPerformance",
        "eventId": instruction_id,
        "methodology": statement.baseline_method,
        "meters": [
            {
                "meterId": f"msid-{site.msid}",
                "baselineKw": number((sum(baseline, Decimal(0)) / len(lines)).quantize(mean)),
                "actualKw": number((sum(usage, Decimal(0)) / len(lines)).quantize(mean)),
                "telemetry": time_series(
                    lines[0].start_at, {"BASELINE": baseline, "USAGE": usage}, kind="REPORT_PAYLOAD_DESCRIPTOR"
                ),
            }
        ],
    }


def settlement_entry(statement: SettlementStatement, *, audit_trail: dict[str, Any]) -> dict[str, Any]:
    """contract.settlements[] entry with FlexSettlement; `audit_trail` says where the proof stands.

    A statement that supersedes another names it, says why it was made and by how much the amount moved.
    """
    superseding: dict[str, Any] = {}
    if statement.delta_pence is not None:
        before = statement.supersedes
        moved = statement.buyer_pence - (before.buyer_pence if before else 0)
        delta = {"currency": "GBP", "value": pounds(moved)}
        superseding = {"supersedes": str(statement.supersedes_id), "delta": delta}
    return {
        "id": str(statement.pk),
        "considerationId": "consideration-1",
        "status": "COMPLETE",
        "settlementAttributes": {
            "@context": f"{SCHEMA}/FlexSettlement/v1.0/context.jsonld",
            "@type": "FlexSettlement",
            "run": statement.run,
            "version": statement.version,
            "reason": statement.reason,
            "knowledgeTime": instant(statement.knowledge_time),
            **superseding,
            "amount": {"currency": "GBP", "value": pounds(statement.buyer_pence)},
            "deliveredKwh": number(Decimal(statement.delivered_wh) / 1000),
            "eligibleKwh": number(Decimal(statement.eligible_wh) / 1000),
            "shortfallKwh": number(Decimal(statement.shortfall_wh) / 1000),
            "auditTrail": audit_trail,
            **disputes_of(statement),
        },
    }
