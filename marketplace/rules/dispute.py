"""The life of a dispute over a statement: states, and who may take which step when.

Pure: the caller passes every time. Source: open, respond, uphold or amend or escalate, as the market's
statement schema has it. The seller makes the statements, so only the seller can amend one; the party that opened a
dispute cannot amend over the other's objection, and neither party decides alone against the other before a deadline.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from marketplace.rules.errors import MarketError


class DisputeState(StrEnum):
    """Where a dispute stands."""

    OPEN = "OPEN"
    ANSWERED = "ANSWERED"
    ESCALATED = "ESCALATED"
    UPHELD = "UPHELD"
    AMENDED = "AMENDED"


class DisputeStep(StrEnum):
    """What can happen to a dispute."""

    RESPOND = "RESPOND"
    UPHOLD = "UPHOLD"
    AMEND = "AMEND"
    ESCALATE = "ESCALATE"


class Side(StrEnum):
    """The two parties of an order."""

    SELLER = "SELLER"
    BUYER = "BUYER"


class ReasonCode(StrEnum):
    """Why a statement is disputed."""

    BASELINE_INPUT = "BASELINE_INPUT"
    EVENT_DAY_MISSING = "EVENT_DAY_MISSING"
    METER_GAP = "METER_GAP"
    CLOCK = "CLOCK"
    INSTRUCTION_NOT_RECEIVED = "INSTRUCTION_NOT_RECEIVED"
    PRIMACY_OVERRIDE = "PRIMACY_OVERRIDE"
    STACKING_EXCLUSION = "STACKING_EXCLUSION"
    PRICE_RUN = "PRICE_RUN"
    SIGN = "SIGN"
    ROUNDING = "ROUNDING"
    OTHER = "OTHER"


class ClaimUnit(StrEnum):
    """What a claim counts: money, or eligible energy."""

    PENCE = "PENCE"
    WH = "WH"


S, E = DisputeState, DisputeStep
UNDECIDED = (S.OPEN, S.ANSWERED, S.ESCALATED)
DISPUTE_TRANSITIONS: dict[tuple[DisputeState, DisputeStep], DisputeState] = {
    (S.OPEN, E.RESPOND): S.ANSWERED,
    (S.OPEN, E.ESCALATE): S.ESCALATED,
    (S.ANSWERED, E.UPHOLD): S.UPHELD,
    (S.ANSWERED, E.AMEND): S.AMENDED,
    (S.ANSWERED, E.ESCALATE): S.ESCALATED,
    (S.ESCALATED, E.UPHOLD): S.UPHELD,
    (S.ESCALATED, E.AMEND): S.AMENDED,
}
DISPUTE_STEPS: frozenset[tuple[DisputeState, DisputeState]] = frozenset(
    (before, after) for (before, _), after in DISPUTE_TRANSITIONS.items()
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides who may do what: the state, who opened it, the answer, and the two deadlines (UTC).

    `other_is_here`: the other party is an organisation of this installation and can answer for itself.
    """

    state: DisputeState
    opened_by: Side
    other_is_here: bool
    answer_agrees: bool | None
    response_due_at: datetime
    decision_due_at: datetime | None


def next_dispute_state(state: DisputeState, step: DisputeStep) -> DisputeState:
    """The state after `step`. Raises MarketError DISPUTE_STATE naming both.

    >>> next_dispute_state(DisputeState.OPEN, DisputeStep.RESPOND)
    <DisputeState.ANSWERED: 'ANSWERED'>
    """
    try:
        return DISPUTE_TRANSITIONS[DisputeState(state), DisputeStep(step)]
    except KeyError:
        raise MarketError(
            "DISPUTE_STATE",
            f"A dispute that is {DisputeState(state).value} cannot take {DisputeStep(step).value}.",
            fix="Open it again to see where it stands now.",
        ) from None


def check_step(standing: Standing, step: DisputeStep, side: Side, *, now: datetime) -> DisputeState:
    """The state that `step` by `side` leads to at `now`. Raises MarketError: DISPUTE_STATE, or DISPUTE_TURN saying whose it is."""
    after = next_dispute_state(standing.state, step)
    problem = {
        E.RESPOND: respond_problem,
        E.UPHOLD: uphold_problem,
        E.AMEND: amend_problem,
        E.ESCALATE: escalate_problem,
    }[step](standing, side, now)
    if problem:
        raise MarketError("DISPUTE_TURN", problem[0], fix=problem[1])
    return after


Problem = tuple[str, str] | None


def respond_problem(standing: Standing, side: Side, _now: datetime) -> Problem:
    """The party that opened a dispute does not answer it; it writes down what a party elsewhere has answered."""
    if side == standing.opened_by and standing.other_is_here:
        return (
            "The other party of the order answers this dispute.",
            "Wait for the answer, or escalate once it is overdue.",
        )
    return None


def uphold_problem(standing: Standing, side: Side, now: datetime) -> Problem:
    """The opener may accept that the statement stands; the other side only once its answer went unchallenged, or after escalation."""
    if side == standing.opened_by or standing.state == S.ESCALATED:
        return None
    due = standing.decision_due_at
    if due is None or now < due:
        until = f" until {due:%Y-%m-%dT%H:%M}Z" if due else ""
        return (
            f"Whoever opened the dispute may accept the answer or escalate{until}.",
            "Uphold it afterwards, if nobody has escalated by then.",
        )
    return None


def amend_problem(standing: Standing, side: Side, _now: datetime) -> Problem:
    """Only the seller makes statements, and not over an objection to a dispute of its own."""
    if side != Side.SELLER:
        return ("Only the seller of the order makes its statements.", "Escalate if the seller will not amend it.")
    if standing.opened_by == Side.SELLER and not standing.answer_agrees and standing.state != S.ESCALATED:
        return ("The buyer objects to the amendment.", "Escalate the dispute; what is decided there can be amended.")
    return None


def escalate_problem(standing: Standing, side: Side, now: datetime) -> Problem:
    """Whoever opened a dispute takes it further: after the answer, or when that is overdue."""
    if side != standing.opened_by:
        return ("Whoever opened the dispute may escalate it.", "Answer it, or wait for their decision.")
    if standing.state == S.OPEN and now < standing.response_due_at:
        return (
            f"The answer is due by {standing.response_due_at:%Y-%m-%dT%H:%M}Z.",
            "Escalate once it is there, or overdue.",
        )
    return None


def steps_for(standing: Standing, side: Side | None, *, now: datetime) -> tuple[DisputeStep, ...]:
    """The steps that `side` can take at `now`; none for somebody who is no party."""
    if side is None:
        return ()
    found = []
    for step in DisputeStep:
        try:
            check_step(standing, step, side, now=now)
        except MarketError:
            continue
        found.append(step)
    return tuple(found)


def is_overdue(standing: Standing, *, now: datetime) -> bool:
    """Whether the step that is waited for is late: the answer of an open dispute, the decision of an answered one."""
    due = {S.OPEN: standing.response_due_at, S.ANSWERED: standing.decision_due_at}.get(standing.state)
    return due is not None and now >= due
