"""Dispute a settlement of a seller elsewhere: send the claim, or our step about a dispute that is open there."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from beckn import outbox
from marketplace import events, notify
from marketplace.models import Purchase, PurchaseDispute, User, role_of, standing_settlement
from marketplace.rules.dispute import DisputeStep
from marketplace.rules.errors import MarketError
from marketplace.rules.roles import Action, require
from marketplace.usecases.open_dispute import NO_EVIDENCE, Evidence, check_words, reason_of, unit_of
from marketplace.wire.dispute import claim_message

STEPS = (DisputeStep.UPHOLD, DisputeStep.ESCALATE)
MOST = 10**12
State = PurchaseDispute.State


def dispute_purchase(
    *,
    purchase: Purchase,
    reason: str,
    unit: str,
    claimed_value: int,
    words: str,
    periods: Iterable[tuple[date, int]] = (),
    evidence: Evidence = NO_EVIDENCE,
    user: User | None = None,
    now: datetime,
) -> PurchaseDispute:
    """The claim against the settlement that stands, on its way to the seller. The same claim said twice is sent once.

    Raises MarketError: NOT_ALLOWED, NOT_SETTLED without a settlement, DISPUTE_HERE where the statement is on this
    installation, or BAD_CLAIM, BAD_WORDS, BAD_EVIDENCE, BAD_REASON naming the field.
    """
    check_words(words, evidence)
    if abs(claimed_value) > MOST:
        raise MarketError(
            "BAD_CLAIM",
            f"claimed_value is {claimed_value}: that is no amount.",
            fix="Write what the disputed part should come to.",
            details={"column": "claimed_value"},
        )
    with transaction.atomic():
        purchase = held(purchase, user)
        settlement = standing_settlement(purchase)
        if settlement is None:
            raise MarketError(
                "NOT_SETTLED",
                "The seller has not settled this purchase.",
                fix="Wait for its settlement, or ask for it.",
            )
        if purchase.seller_subscriber_id == settings.BECKN_PARTICIPANTS["bpp"]["subscriber_id"]:
            raise MarketError(
                "DISPUTE_HERE", "The seller's statement is on this installation.", fix="Open the dispute on its page."
            )
        claim = {
            "settlement_id": settlement.settlement_id,
            "reason": reason_of(reason),
            "unit": unit_of(unit),
            "claimed_value": claimed_value,
            "words": words,
            "evidence_reference": evidence.reference,
            "evidence_sha256": evidence.sha256,
        }
        parts = [named(day, period) for day, period in sorted(set(periods))]
        known = purchase.disputes.filter(**claim).exclude(state=State.REFUSED)
        if same := next((one for one in known if one.periods == parts), None):
            return same
        row = PurchaseDispute(
            purchase=purchase, message_id=uuid.uuid4(), periods=parts, created_at=now, updated_at=now, **claim
        )
        send(row, about(row))
        row.save(force_insert=True)
        record(
            row, "purchase.disputed", {"reason": row.reason, "unit": row.unit, "claimed": str(claimed_value)}, now=now
        )
    return row


def step_dispute(
    *, dispute: PurchaseDispute, step: DisputeStep, words: str, user: User | None = None, now: datetime
) -> PurchaseDispute:
    """Send UPHOLD (we accept the settlement) or ESCALATE; how it stands then comes with the seller's answer.

    Raises MarketError: NOT_ALLOWED, BAD_WORDS, or DISPUTE_STATE for a dispute that is not open at the seller, or decided.
    """
    check_words(words, NO_EVIDENCE)
    with transaction.atomic():
        purchase = held(dispute.purchase, user)
        row = purchase.disputes.select_for_update(of=("self",)).get(pk=dispute.pk)
        if step not in STEPS or row.state not in (State.OPEN, State.ANSWERED, State.ESCALATED):
            raise MarketError(
                "DISPUTE_STATE",
                f"A dispute that is {row.get_state_display().lower()} cannot take {step}.",
                fix="Look where it stands now.",
            )
        row.purchase, row.message_id, row.updated_at = purchase, uuid.uuid4(), now
        told = {"settlementId": row.settlement_id, "disputeId": row.dispute_id, "claimId": str(row.pk)}
        send(row, {**told, "step": str(step), "words": words})
        row.save(update_fields=["message_id", "updated_at"])
        record(row, "purchase.dispute_step", {"step": str(step)}, now=now)
    return row


def held(purchase: Purchase, user: User | None) -> Purchase:
    """The purchase, locked, for somebody who may dispute."""
    found = Purchase.objects.select_for_update(of=("self",)).select_related("organisation").get(pk=purchase.pk)
    if user is not None:
        require(role_of(user, found.organisation), Action.DISPUTE)
    return found


def about(row: PurchaseDispute) -> dict[str, Any]:
    """The claim in FlexDispute's words."""
    evidence = {"reference": row.evidence_reference, "sha256": row.evidence_sha256}
    return {
        "settlementId": row.settlement_id,
        "claimId": str(row.pk),
        "reasonCode": str(row.reason),
        "unit": str(row.unit),
        "claimedValue": row.claimed_value,
        "words": row.words,
        "periods": row.periods,
        "evidence": evidence if row.evidence_sha256 else {},
    }


def named(day: date, period: int) -> dict[str, Any]:
    """A settlement period on the wire."""
    return {"settlementDate": day.isoformat(), "settlementPeriod": period}


def send(row: PurchaseDispute, told: dict[str, Any]) -> None:
    """The signed support message."""
    purchase = row.purchase
    outbox.send(
        role="bap",
        action="support",
        message=claim_message(order_id=purchase.contract_id, about=told),
        to=purchase.seller_subscriber_id,
        transaction_id=purchase.transaction_id,
        message_id=row.message_id,
    )


def record(row: PurchaseDispute, kind: str, payload: dict[str, Any], *, now: datetime) -> None:
    """The event, and the page that changed."""
    events.append(
        type=kind,
        subject=f"purchase:{row.purchase_id}",
        payload={"settlement": row.settlement_id, "seller": row.purchase.seller_subscriber_id, **payload},
        organisations=[row.purchase.organisation],
        now=now,
    )
    notify.changed(f"purchase:{row.purchase_id}")
