"""Take a buyer's dispute in from the network: a claim that opens one, or the buyer's step about one that is open."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from marketplace.models import Dispute, Order, SettlementStatement
from marketplace.rules.dispute import DisputeStep
from marketplace.rules.errors import MarketError
from marketplace.usecases.advance_dispute import advance_dispute
from marketplace.usecases.open_dispute import Evidence, open_dispute
from marketplace.usecases.open_ticket import order_by_id
from marketplace.wire.dispute import Claim


def hear_dispute(*, claim: Claim, buyer_subscriber_id: str, now: datetime) -> Dispute:
    """The dispute as it stands then. The same claim, or step, said twice is said once.

    Raises MarketError: BIZ_ORDER_NOT_FOUND for anybody but the buyer of the order, BIZ_INVALID_UPDATE_TARGET for a
    settlement or dispute that the order has not, and whatever open_dispute and advance_dispute refuse.
    """
    with transaction.atomic():
        order = order_by_id(claim.order_id, buyer_subscriber_id, code="BIZ_ORDER_NOT_FOUND")
        if claim.step:
            return advance_dispute(
                dispute=dispute_of(order, claim),
                step=DisputeStep(claim.step),
                buyer_subscriber_id=buyer_subscriber_id,
                words=claim.words,
                evidence=Evidence(claim.evidence_reference, claim.evidence_sha256),
                now=now,
            )
        return open_dispute(
            statement=statement_of(order, claim),
            buyer_subscriber_id=buyer_subscriber_id,
            reason=claim.reason,
            unit=claim.unit,
            claimed_value=int(claim.claimed_value or 0),
            words=claim.words,
            periods=claim.periods,
            evidence=Evidence(claim.evidence_reference, claim.evidence_sha256),
            now=now,
        )


def statement_of(order: Order, claim: Claim) -> SettlementStatement:
    """The settlement that the claim names. Raises MarketError where the order has no such one."""
    try:
        found = SettlementStatement.objects.filter(order=order, pk=claim.settlement_id).first()
    except (ValueError, ValidationError):
        found = None
    if found is None:
        raise MarketError(
            "BIZ_INVALID_UPDATE_TARGET",
            f"The order has no settlement {claim.settlement_id[:60]!r}.",
            fix="Send the id of an entry of contract.settlements.",
        )
    return found


def dispute_of(order: Order, claim: Claim) -> Dispute:
    """The dispute that the step is about. Raises MarketError where the order has no such one over that settlement."""
    statement = statement_of(order, claim)
    try:
        found = Dispute.objects.filter(statement=statement, pk=claim.dispute_id).first()
    except (ValueError, ValidationError):
        found = None
    if found is None:
        raise MarketError(
            "BIZ_INVALID_UPDATE_TARGET",
            f"The settlement has no dispute {claim.dispute_id[:60]!r}.",
            fix="Send the disputeId of the settlement's disputes.",
        )
    return found
