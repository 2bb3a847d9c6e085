"""The transition tables, walked exhaustively."""

from __future__ import annotations

import itertools

import pytest

from marketplace.rules.order_state import (
    ACTIVATION_TRANSITIONS,
    ORDER_TRANSITIONS,
    ActivationState,
    InvalidTransitionError,
    OrderEvent,
    OrderState,
    check_activation_step,
    next_order_state,
)


@pytest.mark.parametrize(("state", "event"), list(itertools.product(OrderState, OrderEvent)))
def test_every_pair_either_moves_as_the_table_says_or_is_refused_in_words(state: OrderState, event: OrderEvent) -> None:
    if (state, event) in ORDER_TRANSITIONS:
        assert next_order_state(state, event) == ORDER_TRANSITIONS[state, event]
    else:
        with pytest.raises(InvalidTransitionError, match=state.value):
            next_order_state(state, event)


def test_every_state_but_the_first_can_be_reached_and_the_last_ones_have_no_way_out() -> None:
    reachable = {OrderState.DRAFT}
    for _ in OrderState:
        reachable |= {after for (before, _), after in ORDER_TRANSITIONS.items() if before in reachable}
    assert reachable == set(OrderState)
    final = {OrderState.SETTLED, OrderState.CANCELLED, OrderState.EXPIRED}
    assert {before for before, _ in ORDER_TRANSITIONS}.isdisjoint(final)


def test_money_is_never_settled_before_it_was_confirmed_and_delivered() -> None:
    paths = [[OrderState.DRAFT]]
    for path in paths:
        paths += [
            [*path, after]
            for (before, _), after in ORDER_TRANSITIONS.items()
            if before == path[-1] and after not in path
        ]
    settled = [path for path in paths if path[-1] == OrderState.SETTLED]
    assert settled
    for path in settled:
        delivered = [one for one in path[path.index(OrderState.CONFIRMED) :] if one != OrderState.ACTIVE]
        assert delivered == [OrderState.CONFIRMED, OrderState.DELIVERED, OrderState.SETTLED]


@pytest.mark.parametrize(("before", "after"), list(itertools.product(ActivationState, ActivationState)))
def test_activation_steps(before: ActivationState, after: ActivationState) -> None:
    if (before, after) in ACTIVATION_TRANSITIONS:
        check_activation_step(before, after)
    else:
        with pytest.raises(InvalidTransitionError):
            check_activation_step(before, after)
