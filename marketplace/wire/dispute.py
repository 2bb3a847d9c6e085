"""Disputes on the wire, both ways: FlexDispute in the channels of a support message, and among a settlement's attributes.

Beckn has no message for disputes. `support` is its word for a question about an order, and its channels are an open slot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from marketplace.models import Dispute, DisputeEntry, SettlementStatement
from marketplace.rules.errors import MarketError
from marketplace.wire.aftercare import Question, support_answer
from marketplace.wire.catalogue import SCHEMA
from marketplace.wire.contract import pounds
from marketplace.wire.series import instant

CONTEXT = f"{SCHEMA}/FlexDispute/v1.0/context.jsonld"
SUBJECT = "DISPUTE"
NAMES = {
    "order_id": "orderId",
    "dispute_id": "disputeId",
    "reason": "reasonCode",
    "claimed_value": "claimedValue",
}


@dataclass(frozen=True, slots=True)
class Claim:
    """What a buyer claims, or the step it takes about a dispute that is open (`step`, `dispute_id`)."""

    order_id: str
    settlement_id: str
    dispute_id: str
    claim_id: str
    step: str
    reason: str
    unit: str
    claimed_value: int | None
    words: str
    periods: tuple[tuple[date, int], ...]
    evidence_reference: str
    evidence_sha256: str


def read_claim(told: Mapping[str, Any]) -> Claim | None:
    """The FlexDispute of a support message; None where it has none. Raises MarketError for more than one, or half of one.

    The shape of each member has been checked with the schema.
    """
    found = [one for one in told.get("channels") or [] if one.get("@type") == "FlexDispute"]
    if not found:
        return None
    if len(found) > 1:
        raise MarketError(
            "SCH_SCHEMA_VALIDATION_FAILED", f"The message holds {len(found)} disputes.", fix="Send one a message."
        )
    (about,) = found
    evidence = about.get("evidence") or {}
    claim = Claim(
        order_id=str(told.get("orderId") or ""),
        settlement_id=str(about["settlementId"]),
        dispute_id=str(about.get("disputeId", "")),
        claim_id=str(about.get("claimId", "")),
        step=str(about.get("step", "")),
        reason=str(about.get("reasonCode", "")),
        unit=str(about.get("unit", "")),
        claimed_value=about.get("claimedValue"),
        words=str(about.get("words", "")),
        periods=tuple(
            (date.fromisoformat(one["settlementDate"]), int(one["settlementPeriod"]))
            for one in about.get("periods") or []
        ),
        evidence_reference=str(evidence.get("reference", "")),
        evidence_sha256=str(evidence.get("sha256", "")),
    )
    needed = ("dispute_id", "words") if claim.step else ("reason", "unit", "claimed_value", "words")
    missing = [name for name in ("order_id", *needed) if getattr(claim, name) in ("", None)]
    if missing:
        names = ", ".join(NAMES.get(name, name) for name in missing)
        raise MarketError(
            "SCH_REQUIRED_FIELD_MISSING",
            f"The dispute lacks {names}.",
            fix="Name the order, why, the unit, what it should come to, and say in words what is wrong.",
        )
    return claim


def claim_message(*, order_id: str, about: Mapping[str, Any]) -> dict[str, Any]:
    """A support message with one FlexDispute; members of `about` that are empty are left out."""
    told = {name: value for name, value in about.items() if value not in ("", None, [], {})}
    channel = {"@context": CONTEXT, "@type": "FlexDispute", **told}
    return {"support": {"orderId": order_id, "descriptor": {"code": SUBJECT}, "channels": [channel]}}


def flex_dispute(dispute: Dispute) -> dict[str, Any]:
    """FlexDispute v1.0 of a dispute as it stands."""
    answer = dispute.entries.exclude(step=DisputeEntry.OPENED).order_by("pk").last()
    first = dispute.entries.filter(step=DisputeEntry.OPENED).order_by("pk").first()
    periods = [
        {"settlementDate": line.settlement_date.isoformat(), "settlementPeriod": line.settlement_period}
        for line in dispute.lines.order_by("start_at")
    ]
    due = dispute.decision_due_at
    optional: dict[str, Any] = {
        "periods": periods,
        "words": first.words if first else "",
        "answer": answer.words if answer else "",
        "answerAgrees": dispute.answer_agrees,
        "decisionDueAt": instant(due) if due else "",
        "amendedBy": str(dispute.amended_by_id or ""),
    }
    return {
        "@context": CONTEXT,
        "@type": "FlexDispute",
        "settlementId": str(dispute.statement_id),
        "disputeId": str(dispute.pk),
        "openedBy": dispute.side.lower(),
        "state": dispute.state,
        "reasonCode": dispute.reason,
        "unit": dispute.unit,
        "claimedValue": dispute.claimed_value,
        "statedValue": dispute.stated_value,
        "difference": {"currency": "GBP", "value": pounds(dispute.difference_pence)},
        "answerDueAt": instant(dispute.response_due_at),
        **{name: value for name, value in optional.items() if value not in ("", None, [])},
    }


def disputes_of(statement: SettlementStatement) -> dict[str, Any]:
    """`disputes` of a settlement, in the order in which they were opened; nothing where there is none."""
    found = [flex_dispute(dispute) for dispute in statement.disputes.order_by("opened_at", "pk")]
    return {"disputes": found} if found else {}


def dispute_answer(claim: Claim, dispute: Dispute) -> dict[str, Any]:
    """support with the dispute as it stands, the buyer's own reference with it, and where it is followed up."""
    told = support_answer(Question(claim.order_id, SUBJECT), ticket=str(dispute.pk))
    reference = {"claimId": claim.claim_id} if claim.claim_id else {}
    return told | {"channels": [flex_dispute(dispute) | reference, *told["channels"]]}
