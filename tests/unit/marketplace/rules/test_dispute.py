"""A dispute takes known steps only, each by whoever's turn it is, and neither party decides alone before a deadline."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from marketplace.rules.dispute import (
    DISPUTE_TRANSITIONS,
    UNDECIDED,
    DisputeState,
    DisputeStep,
    Side,
    Standing,
    check_step,
    is_overdue,
    next_dispute_state,
    steps_for,
)
from marketplace.rules.errors import MarketError

NOW = datetime(2024, 1, 17, 12, 0, tzinfo=UTC)
SOON, LATE = NOW + timedelta(days=10), NOW + timedelta(days=20)
OPEN = Standing(DisputeState.OPEN, Side.BUYER, True, None, SOON, None)
AGREED = replace(OPEN, state=DisputeState.ANSWERED, answer_agrees=True, decision_due_at=SOON)
REFUSED = replace(AGREED, answer_agrees=False)
ESCALATED = replace(REFUSED, state=DisputeState.ESCALATED)


def test_every_pair_of_state_and_step_is_in_the_table_or_refused() -> None:
    for state, step in product(DisputeState, DisputeStep):
        if (state, step) in DISPUTE_TRANSITIONS:
            assert next_dispute_state(state, step) == DISPUTE_TRANSITIONS[state, step]
        else:
            with pytest.raises(MarketError) as caught:
                next_dispute_state(state, step)
            assert caught.value.code == "DISPUTE_STATE"
            assert state.value in caught.value.message
            assert step.value in caught.value.message


def test_a_decided_dispute_takes_no_step_and_an_undecided_one_can_always_end() -> None:
    ends = {DisputeState.UPHELD, DisputeState.AMENDED}
    assert set(DisputeState) - set(UNDECIDED) == ends
    assert not [state for state, _ in DISPUTE_TRANSITIONS if state in ends]
    for state in UNDECIDED:
        reached = {state}
        for _ in DisputeState:
            reached |= {after for (before, _), after in DISPUTE_TRANSITIONS.items() if before in reached}
        assert ends <= reached


# (where it stands, side, moment, the steps that side can take then)
TURNS = [
    (OPEN, Side.BUYER, NOW, set()),
    (OPEN, Side.SELLER, NOW, {"RESPOND"}),
    (OPEN, Side.BUYER, SOON, {"ESCALATE"}),
    (replace(OPEN, opened_by=Side.SELLER), Side.SELLER, NOW, set()),
    (replace(OPEN, opened_by=Side.SELLER, other_is_here=False), Side.SELLER, NOW, {"RESPOND"}),
    (AGREED, Side.BUYER, NOW, {"UPHOLD", "ESCALATE"}),
    (AGREED, Side.SELLER, NOW, {"AMEND"}),
    (REFUSED, Side.SELLER, NOW, {"AMEND"}),
    (REFUSED, Side.SELLER, SOON, {"AMEND", "UPHOLD"}),
    (REFUSED, Side.BUYER, LATE, {"UPHOLD", "ESCALATE"}),
    (replace(AGREED, opened_by=Side.SELLER), Side.SELLER, NOW, {"UPHOLD", "AMEND", "ESCALATE"}),
    (replace(REFUSED, opened_by=Side.SELLER), Side.SELLER, NOW, {"UPHOLD", "ESCALATE"}),
    (replace(REFUSED, opened_by=Side.SELLER), Side.BUYER, SOON, {"UPHOLD"}),
    (ESCALATED, Side.BUYER, NOW, {"UPHOLD"}),
    (ESCALATED, Side.SELLER, NOW, {"UPHOLD", "AMEND"}),
    (replace(ESCALATED, opened_by=Side.SELLER), Side.SELLER, NOW, {"UPHOLD", "AMEND"}),
    (replace(ESCALATED, state=DisputeState.UPHELD), Side.SELLER, NOW, set()),
]


@pytest.mark.parametrize(("standing", "side", "now", "steps"), TURNS)
def test_whose_turn_it_is(standing: Standing, side: Side, now: datetime, steps: set[str]) -> None:
    assert {step.value for step in steps_for(standing, side, now=now)} == steps
    assert steps_for(standing, None, now=now) == ()


def test_a_refused_step_says_whose_turn_it_is_and_what_to_do() -> None:
    with pytest.raises(MarketError) as caught:
        check_step(OPEN, DisputeStep.ESCALATE, Side.BUYER, now=NOW)
    assert caught.value.code == "DISPUTE_TURN"
    assert "2024-01-27T12:00Z" in caught.value.message
    assert caught.value.fix


def test_what_is_overdue() -> None:
    assert not is_overdue(OPEN, now=SOON - timedelta(seconds=1))
    assert is_overdue(OPEN, now=SOON)
    assert is_overdue(AGREED, now=SOON)
    assert not is_overdue(ESCALATED, now=LATE)
