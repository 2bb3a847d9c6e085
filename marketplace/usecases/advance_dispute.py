"""Take a dispute one step on without changing a statement: answer it, uphold the statement, or escalate."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from beckn import outbox
from beckn.registry import UnknownPeerError
from flex_engine.settle.dispute_clock import decision_due
from marketplace.models import Dispute, Organisation, SettlementStatement, User, buyer_of, other_is_here
from marketplace.rules.dispute import UNDECIDED, DisputeState, DisputeStep, Side, Standing, check_step
from marketplace.rules.errors import MarketError
from marketplace.usecases.open_dispute import NO_EVIDENCE, Evidence, check_words, held_statement, note, party, record
from marketplace.wire.report import report_order

log = logging.getLogger(__name__)
STEPS = (DisputeStep.RESPOND, DisputeStep.UPHOLD, DisputeStep.ESCALATE)
SAID = {
    DisputeStep.RESPOND: "dispute.answered",
    DisputeStep.UPHOLD: "dispute.upheld",
    DisputeStep.AMEND: "dispute.amended",
    DisputeStep.ESCALATE: "dispute.escalated",
}


def advance_dispute(
    *,
    dispute: Dispute,
    step: DisputeStep,
    organisation: Organisation | None = None,
    user: User | None = None,
    buyer_subscriber_id: str = "",
    words: str,
    evidence: Evidence = NO_EVIDENCE,
    agrees: bool | None = None,
    now: datetime,
) -> Dispute:
    """The dispute after `step`, one of RESPOND, UPHOLD and ESCALATE; an answer says whether it `agrees` with the claim.

    A buyer elsewhere is named by `buyer_subscriber_id` alone, which the network has verified.
    Taking a step that this party has just taken in the same words answers the same. Raises MarketError: NOT_ALLOWED,
    DISPUTE_STATE, DISPUTE_TURN, BAD_WORDS, BAD_EVIDENCE, or BAD_ANSWER for an answer that does not say whether it agrees.
    """
    if step not in STEPS:
        raise MarketError(
            "DISPUTE_STATE", f"{step} is not a step of this kind.", fix=f"Write one of {', '.join(STEPS)}."
        )
    check_words(words, evidence)
    if (step == DisputeStep.RESPOND) != (agrees is not None):
        raise MarketError(
            "BAD_ANSWER",
            f"agrees is {agrees}: an answer says whether it agrees, and no other step does.",
            fix="Write true or false with an answer, and leave it out otherwise.",
            details={"column": "agrees"},
        )
    with transaction.atomic():
        dispute = held(dispute)
        side, actor = party(dispute.statement.order, organisation, user, buyer_subscriber_id)
        if repeats(dispute, step, actor, words):
            return dispute
        take(dispute, step, side, actor, words, evidence, agrees=agrees, now=now)
    return dispute


def held(dispute: Dispute) -> Dispute:
    """The dispute with its order, held against every other step and settlement of it; locks in the order of the house."""
    statement = held_statement(dispute.statement)
    found = Dispute.objects.select_for_update(of=("self",)).select_related("opened_by").get(pk=dispute.pk)
    found.statement = statement
    return found


def repeats(dispute: Dispute, step: DisputeStep, organisation: Organisation | None, words: str) -> bool:
    """Whether the newest step is this one, by the same organisation in the same words: a request sent twice."""
    newest = dispute.entries.order_by("-pk").first()
    return newest is not None and (newest.step, newest.organisation, newest.words) == (step, organisation, words)


def standing_of(dispute: Dispute) -> Standing:
    """What the rules want to know of it."""
    return Standing(
        state=DisputeState(dispute.state),
        opened_by=Side(dispute.side),
        other_is_here=other_is_here(dispute),
        answer_agrees=dispute.answer_agrees,
        response_due_at=dispute.response_due_at,
        decision_due_at=dispute.decision_due_at,
    )


def take(
    dispute: Dispute,
    step: DisputeStep,
    side: Side,
    organisation: Organisation | None,
    words: str,
    evidence: Evidence,
    *,
    agrees: bool | None = None,
    amended_by: SettlementStatement | None = None,
    facts: Mapping[str, Any] | None = None,
    now: datetime,
) -> None:
    """Check the step and write it down: state, deadlines, the entry and the event."""
    dispute.state = check_step(standing_of(dispute), step, side, now=now)
    if step == DisputeStep.RESPOND:
        dispute.answer_agrees, dispute.decision_due_at = agrees, decision_due(now)
    if dispute.state not in UNDECIDED:
        dispute.closed_at = now
    dispute.amended_by = amended_by
    dispute.save(update_fields=["state", "answer_agrees", "decision_due_at", "closed_at", "amended_by"])
    note(dispute, step, side, organisation, words, evidence, agrees=agrees, facts=facts, now=now)
    told: dict[str, Any] = {
        "by": side,
        "words": words,
        "evidence_reference": evidence.reference,
        "evidence_sha256": evidence.sha256,
        **(facts or {}),
    }
    if agrees is not None:
        told["agrees"] = agrees
    record(dispute, SAID[step], told, now=now)
    if side == Side.SELLER:
        tell_buyer_elsewhere(dispute)


def tell_buyer_elsewhere(dispute: Dispute) -> None:
    """The order as it stands, by an on_status nobody asked for; a buyer of this installation reads the dispute itself.

    The step holds also for a buyer whom the registry does not know any more, who can ask for the state.
    """
    order = dispute.statement.order
    if buyer_of(order) is not None:
        return
    try:
        outbox.send(
            role="bpp",
            action="on_status",
            message={"contract": report_order(order)},
            to=order.buyer_subscriber_id,
            transaction_id=order.transaction_id,
        )
    except UnknownPeerError as problem:
        log.error("%s was not told of dispute %s: %s", order.buyer_subscriber_id, dispute.pk, problem)
