"""The life of a position notification never passes through acceptance, and every site has a unit of its own."""

from __future__ import annotations

import itertools

import pytest

from marketplace.rules.notification import (
    STEPS,
    NotificationState,
    check_notification_step,
    unit_of,
    wholesale_products,
)
from marketplace.rules.order_state import InvalidTransitionError


def test_no_state_says_accepted_and_only_the_steps_of_the_table_are_taken() -> None:
    assert not any("ACCEPT" in state for state in NotificationState)
    for before, after in itertools.product(NotificationState, repeat=2):
        if (before, after) in STEPS:
            check_notification_step(before, after)
        else:
            with pytest.raises(InvalidTransitionError, match=before):
                check_notification_step(before, after)
    ends = {state for state in NotificationState if not any(before == state for before, _ in STEPS)}
    assert ends == {NotificationState.EXCEPTION, NotificationState.MISSED, NotificationState.WITHDRAWN}


def test_units_are_their_sites_own_and_fit_the_market_s_eleven_characters() -> None:
    pks = [1, 7, 999, 1000, 9_999, 10_000, 12_345, 9_999_999]
    units = [unit_of(pk) for pk in pks]
    assert len(set(units)) == len(pks)
    assert all(unit.startswith("V__") and len(unit) <= 11 for unit in units)


def test_wholesale_trading_is_the_product_that_is_told_when_it_is_sold() -> None:
    assert wholesale_products() == {"P415_WHOLESALE"}
