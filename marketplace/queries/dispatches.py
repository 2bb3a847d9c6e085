"""Dispatches and what they delivered: instruction, settlement statements and where each statement's record stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from marketplace.models import Activation, Offer, SettlementStatement
from marketplace.queries.naming import named, written


@dataclass(frozen=True, slots=True)
class DispatchPeriod:
    """One settlement period of a dispatch."""

    start: datetime
    requested_kw: Decimal
    declared_kw: Decimal
    down: bool

    @property
    def site_bound_kw(self) -> Decimal:
        """The most the site may draw to deliver it, or the least for a turn-up: declared load less, or with, what is instructed."""
        return self.declared_kw - self.requested_kw if self.down else self.declared_kw + self.requested_kw


@dataclass(frozen=True, slots=True)
class StatementLineRow:
    """One settlement period of a statement, in Wh."""

    start: datetime
    period: int
    instructed_wh: int
    baseline_wh: int
    metered_wh: int
    delivered_wh: int
    eligible_wh: int
    shortfall_wh: int


@dataclass(frozen=True, slots=True)
class Anchoring:
    """Where the statement's record stands on its way to the chain."""

    state: str
    tx_hash: str
    settlement_id: str
    commitment: str
    block_number: int | None


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One run of settlement."""

    id: str
    run: str
    version: int
    label: str
    created_at: datetime
    baseline_method: str
    baseline_facts: tuple[tuple[str, str], ...]
    delivered_wh: int
    eligible_wh: int
    shortfall_wh: int
    payment_pence: int
    penalty_pence: int
    amount_pence: int
    delta_pence: int | None
    buyer_pence: int
    reason: str
    knowledge_time: datetime
    alarm: str
    superseded: bool
    lines: tuple[StatementLineRow, ...]
    anchoring: Anchoring


@dataclass(frozen=True, slots=True)
class DispatchRow:
    """One dispatch under the order with its statements, newest first."""

    id: int
    instruction_id: str
    mechanism: str
    state: str
    start: datetime
    end: datetime
    issued_at: datetime
    ack_by: datetime
    responded_at: datetime | None
    down: bool
    periods: tuple[DispatchPeriod, ...]
    statements: tuple[StatementRow, ...]


def dispatch_row(activation: Activation, direction: str) -> DispatchRow:
    """One dispatch, of an offer in `direction`, with its statements."""
    statements = activation.statements.order_by("-sequence").prefetch_related("lines")
    down = direction == Offer.Direction.TURN_DOWN
    return DispatchRow(
        id=activation.pk,
        instruction_id=activation.instruction_id,
        mechanism=activation.mechanism,
        state=activation.state,
        start=activation.start_at,
        end=activation.end_at,
        issued_at=activation.issued_at,
        ack_by=activation.ack_by,
        responded_at=activation.responded_at,
        down=down,
        periods=tuple(
            DispatchPeriod(row.start_at, row.requested_kw, row.declared_kw, down)
            for row in activation.periods.order_by("start_at")
        ),
        statements=tuple(statement_row(row) for row in statements),
    )


def statement_row(statement: SettlementStatement) -> StatementRow:
    """One statement with its lines and where its record stands."""
    return StatementRow(
        id=str(statement.pk),
        run=statement.run,
        version=statement.version,
        label=statement.label,
        created_at=statement.created_at,
        baseline_method=statement.baseline_method,
        baseline_facts=tuple((named(str(key)), written(value)) for key, value in statement.baseline_facts.items()),
        delivered_wh=statement.delivered_wh,
        eligible_wh=statement.eligible_wh,
        shortfall_wh=statement.shortfall_wh,
        payment_pence=statement.payment_pence,
        penalty_pence=statement.penalty_pence,
        amount_pence=statement.amount_pence,
        delta_pence=statement.delta_pence,
        buyer_pence=statement.buyer_pence,
        reason=statement.get_reason_display(),
        knowledge_time=statement.knowledge_time,
        alarm=alarm_of(statement),
        superseded=hasattr(statement, "superseded_by"),
        lines=tuple(
            StatementLineRow(
                line.start_at,
                line.settlement_period,
                line.instructed_wh,
                line.baseline_wh,
                line.metered_wh,
                line.delivered_wh,
                line.eligible_wh,
                line.shortfall_wh,
            )
            for line in sorted(statement.lines.all(), key=lambda line: line.start_at)
        ),
        anchoring=anchoring_of(statement),
    )


def alarm_of(statement: SettlementStatement) -> str:
    """The sentence about load moved into the window the baseline is adjusted by; empty where there was no alarm."""
    finding = statement.baseline_facts.get("adjustment_finding") or {}
    return str(finding["sentence"]) if finding.get("alarm") else ""


def anchoring_of(statement: SettlementStatement) -> Anchoring:
    """Where the statement's record stands; QUEUED until it is in a transaction."""
    record = getattr(statement, "record", None)
    if record is None or record.anchor is None:
        return Anchoring(
            "QUEUED", "", record.settlement_id if record else "", record.commitment if record else "", None
        )
    anchor = record.anchor
    return Anchoring(anchor.state, anchor.tx_hash, record.settlement_id, record.commitment, anchor.block_number)
