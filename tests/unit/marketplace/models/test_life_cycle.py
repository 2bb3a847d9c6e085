"""The database holds every order, activation and dispute to the table: all pairs of states are tried, and the two compared."""

from __future__ import annotations

import itertools
from contextlib import suppress

import pytest
from django.db import IntegrityError, connection, transaction

from marketplace.models import Activation, Dispute, Order, SettlementStatement, life_cycle
from marketplace.rules.dispute import DISPUTE_STEPS, DisputeState
from marketplace.rules.order_state import ACTIVATION_TRANSITIONS, ORDER_TRANSITIONS, ActivationState, OrderState
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.conftest import offer, owner, site

__all__ = ["offer", "owner", "site"]


def steps_taken(model, states):
    """Every (before, after) that the database lets a row of `model` take. A row begins in `before` and is not kept."""
    kept, taken = model.objects.get(), set()
    for before, after in itertools.product(states, states):
        with transaction.atomic():
            kept.pk, kept.state, kept._state.adding = None, before, True
            if model is Order:
                kept.transaction_id = market.uuid.uuid4()
            else:
                kept.instruction_id = f"{before}-{after}"
            kept.save(force_insert=True)
            with suppress(IntegrityError), transaction.atomic():
                model.objects.filter(pk=kept.pk).update(state=after)
                taken.add((before, after))
            transaction.set_rollback(True)
    return taken


def same(states):
    """A row may always be written without a step."""
    return {(state, state) for state in states}


def test_an_order_takes_the_steps_of_its_table_and_no_other(offer):
    market.confirmed(offer)
    known = {(before, after) for (before, _), after in ORDER_TRANSITIONS.items()}
    assert steps_taken(Order, OrderState) == known | same(OrderState)


def test_an_activation_takes_the_steps_of_its_table_and_no_other(offer):
    market.dispatched(market.confirmed(offer))
    assert steps_taken(Activation, ActivationState) == ACTIVATION_TRANSITIONS | same(ActivationState)


def test_a_dispute_takes_the_steps_of_its_table_and_no_other_at_a_prompt(offer):
    order = market.confirmed(offer)
    made = SettlementStatement.objects.create(
        order=order, activation=market.dispatched(order), start_at=offer.start_at, end_at=offer.end_at, baseline_method="m",
        delivered_wh=0, eligible_wh=0, shortfall_wh=0, payment_pence=0, penalty_pence=0, amount_pence=0, label="MEASURED",
        created_at=market.NOW, knowledge_time=market.NOW,
    )  # fmt: skip
    taken = set()
    for before, after in itertools.product(DisputeState, DisputeState):
        with transaction.atomic(), connection.cursor() as cursor:
            row = Dispute.objects.create(
                statement=made, side="BUYER", reason="OTHER", unit="PENCE", stated_value=0, claimed_value=1, difference_pence=1,
                digest="d", state=before, opened_at=market.NOW, response_due_at=market.NOW,
                amended_by=made if before == DisputeState.AMENDED else None,
            )  # fmt: skip
            amended = made.pk.hex if after == DisputeState.AMENDED and connection.vendor == "sqlite" else None
            amended = str(made.pk) if after == DisputeState.AMENDED and amended is None else amended
            with suppress(IntegrityError), transaction.atomic():
                cursor.execute(
                    "UPDATE marketplace_dispute SET state = %s, amended_by_id = %s WHERE digest = 'd'", [after, amended]
                )
                taken.add((before, after))
            assert row.pk
            transaction.set_rollback(True)
    assert taken == DISPUTE_STEPS | same(DisputeState)
    assert DisputeState.UPHELD not in {before for before, _ in DISPUTE_STEPS}


def test_a_row_at_a_prompt_is_held_as_well(offer):
    market.confirmed(offer)
    with pytest.raises(IntegrityError, match=life_cycle.SAYS), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE marketplace_order SET state = 'SETTLED'")
    assert Order.objects.get().state == "CONFIRMED"


def test_putting_the_triggers_up_again_changes_nothing(offer):
    life_cycle.arm(connection)
    test_a_row_at_a_prompt_is_held_as_well(offer)
