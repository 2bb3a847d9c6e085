"""Decide a dispute by a new statement: correct an input, work the statement out again, and let it supersede.

No figure of the new statement is ever written by hand. An amendment carries inputs (revised readings, an event day that was
missing), which are recorded like any others, with their own events, and stay for every later run; or it carries none,
where the correction was recorded since the claim. If the statement then says the same, nothing was corrected: it is refused,
and nothing is recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction

from flex_engine.quantities import Label
from flex_engine.settle.metering import Said
from marketplace.models import Dispute, Organisation, SettlementStatement, User, role_of, standing_statement
from marketplace.rules.dispute import DisputeStep, check_step
from marketplace.rules.errors import MarketError
from marketplace.rules.roles import Action, require
from marketplace.usecases.advance_dispute import held, repeats, standing_of, take
from marketplace.usecases.keep_readings import readings_digest
from marketplace.usecases.make_statement import LINE_FIELDS, pence_by_type
from marketplace.usecases.open_dispute import NO_EVIDENCE, Evidence, check_words, party
from marketplace.usecases.record_event_day import record_event_day
from marketplace.usecases.record_meter import record_meter
from marketplace.usecases.resettle import resettle


@dataclass(frozen=True, slots=True)
class Correction:
    """The inputs that were wrong: readings as (start, import Wh) with their source and label, and days to declare."""

    readings: Sequence[tuple[datetime, int]] = ()
    source: str = "dispute"
    label: str = Label.MEASURED
    event_days: Sequence[date] = ()


NO_CORRECTION = Correction()


def amend_dispute(
    *,
    dispute: Dispute,
    organisation: Organisation | None,
    user: User,
    words: str,
    evidence: Evidence = NO_EVIDENCE,
    correction: Correction = NO_CORRECTION,
    now: datetime,
) -> Dispute:
    """The dispute, AMENDED, with the new statement in `amended_by`; all of it happens, or nothing does.

    Raises MarketError: NOT_ALLOWED, DISPUTE_STATE, DISPUTE_TURN, BAD_WORDS, BAD_EVIDENCE; BAD_READING or BAD_EVENT_DAY
    naming the value; whatever resettle refuses; or AMENDS_NOTHING where the statement worked out again says the same.
    """
    check_words(words, evidence)
    with transaction.atomic():
        dispute = held(dispute)
        order, activation = dispute.statement.order, dispute.statement.activation
        side, actor = party(order, organisation, user)
        if repeats(dispute, DisputeStep.AMEND, actor, words):
            return dispute
        check_step(standing_of(dispute), DisputeStep.AMEND, side, now=now)
        require(role_of(user, order.offer.site.organisation), Action.SETTLE)
        apply(dispute, correction, words, user=user, now=now)
        stands = standing_statement(order, activation)
        made = resettle(activation=activation, order=order, reason="DISPUTE", now=now)
        # Inputs given here must make a difference now; without any, what was recorded since the claim must have made one.
        given = correction.readings or correction.event_days
        before = stands if stands is not None and given else dispute.statement
        if says_the_same(before, made):
            raise MarketError(
                "AMENDS_NOTHING",
                "Worked out again with everything known now, the statement says the same.",
                fix="Give the reading or the event day that makes the difference, or uphold the statement.",
            )
        moved = made.amount_pence - dispute.statement.amount_pence
        facts = {**corrected(correction), "amended_by": str(made.pk), "delta_pence": str(moved)}
        take(
            dispute,
            DisputeStep.AMEND,
            side,
            actor,
            words,
            evidence,
            amended_by=made,
            facts=facts,
            now=now,
        )
    return dispute


def apply(dispute: Dispute, correction: Correction, words: str, *, user: User, now: datetime) -> None:
    """Record the inputs by the use cases that record any others."""
    site = dispute.statement.order.offer.site
    if correction.readings:
        record_meter(
            site=site,
            rows=[{"start": start, "import_wh": wh} for start, wh in correction.readings],
            said=Said(small=True),
            source=correction.source,
            label=correction.label,
            user=user,
            now=now,
        )
    for day in correction.event_days:
        record_event_day(site=site, day=day, reason=words[:200], user=user, now=now)


def says_the_same(stands: SettlementStatement, made: SettlementStatement) -> bool:
    """Whether every figure is the same, energy and money."""
    if made.pk == stands.pk:
        return True
    if pence_by_type(made.components) != pence_by_type(stands.components) or made.amount_pence != stands.amount_pence:
        return False
    before, after = (
        list(one.lines.order_by("start_at").values_list("start_at", *LINE_FIELDS)) for one in (stands, made)
    )
    return before == after


def corrected(correction: Correction) -> dict[str, Any]:
    """The correction as the log keeps it: the readings by their digest, which their own event has too."""
    found: dict[str, Any] = {}
    if correction.readings:
        found["readings"] = str(len(correction.readings))
        found["readings_sha256"] = readings_digest(correction.readings)
    if correction.event_days:
        found["event_days"] = [day.isoformat() for day in correction.event_days]
    return found
