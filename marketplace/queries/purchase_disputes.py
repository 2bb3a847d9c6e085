"""Our disputes with sellers elsewhere, as the seller's own messages say that they stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marketplace.models import Purchase, PurchaseDispute
from marketplace.queries.catalogue import time_of
from marketplace.queries.disputes import REASONS
from marketplace.rules.dispute import ReasonCode
from marketplace.wire.purchase import exact

S = PurchaseDispute.State
NEXT = {S.OPEN: ("UPHOLD",), S.ANSWERED: ("UPHOLD", "ESCALATE"), S.ESCALATED: ("UPHOLD",)}
LONGEST = 1000


@dataclass(frozen=True, slots=True)
class PurchaseDisputeRow:
    """One dispute. `claimed` is in `unit`; `answer` and the deadlines are the seller's, empty where it said none.

    `steps` are those that its state leaves to us; whether it is our turn the seller decides by its own clock.
    """

    id: str
    settlement_id: str
    dispute_id: str
    state: str
    state_name: str
    reason: str
    reason_name: str
    unit: str
    claimed: int
    words: str
    answer: str
    answer_due_at: datetime | None
    decision_due_at: datetime | None
    amended_by: str
    refusal_code: str
    refusal: str
    opened_at: datetime
    updated_at: datetime
    steps: tuple[str, ...]


def disputes_with_seller(purchase: Purchase) -> tuple[PurchaseDisputeRow, ...]:
    """The disputes of a purchase, in the order in which they were opened."""
    return tuple(
        purchase_dispute_row(row) for row in purchase.disputes.order_by("created_at", "settlement_id", "claimed_value")
    )


def purchase_dispute_row(row: PurchaseDispute) -> PurchaseDisputeRow:
    """The row of one dispute."""
    said = exact(row.said)
    return PurchaseDisputeRow(
        id=str(row.pk),
        settlement_id=row.settlement_id,
        dispute_id=row.dispute_id,
        state=row.state,
        state_name=row.get_state_display(),
        reason=row.reason,
        reason_name=REASONS[ReasonCode(row.reason)],
        unit=row.unit,
        claimed=row.claimed_value,
        words=row.words,
        answer=text(said.get("answer")),
        answer_due_at=time_of(said.get("answerDueAt")),
        decision_due_at=time_of(said.get("decisionDueAt")),
        amended_by=text(said.get("amendedBy")),
        refusal_code=text(row.refusal.get("code")),
        refusal=text(row.refusal.get("message")),
        opened_at=row.created_at,
        updated_at=row.updated_at,
        steps=NEXT.get(S(row.state), ()),
    )


def text(value: Any) -> str:
    """A text of bounded length, or nothing."""
    return value[:LONGEST] if isinstance(value, str) else ""
