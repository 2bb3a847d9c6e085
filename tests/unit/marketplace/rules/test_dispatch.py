"""Gate, room, price, instruction: each refusal names what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.rules.dispatch import (
    check_events_per_day,
    check_gate,
    check_instruction,
    check_power,
    check_price,
    check_room,
)
from marketplace.rules.errors import MarketError

T = datetime(2024, 3, 5, 17, tzinfo=UTC)
HALF = timedelta(minutes=30)


def test_the_gate_is_open_before_and_closed_at_its_time() -> None:
    check_gate(now=T - timedelta(microseconds=1), gate_closure_at=T)
    with pytest.raises(MarketError) as caught:
        check_gate(now=T, gate_closure_at=T)
    assert caught.value.code == "BIZ_FULFILLMENT_UNAVAILABLE"


@given(
    asked=st.dictionaries(st.integers(0, 5), st.decimals("0.001", 5000, places=3), min_size=1),
    left=st.dictionaries(st.integers(0, 5), st.decimals(0, 5000, places=3)),
)
def test_room_is_refused_exactly_when_some_period_has_too_little(
    asked: dict[int, Decimal], left: dict[int, Decimal]
) -> None:
    ask = {T + i * HALF: kw for i, kw in asked.items()}
    have = {T + i * HALF: kw for i, kw in left.items()}
    fits = all(kw <= have.get(start, 0) for start, kw in ask.items())
    if fits:
        check_room(asked=ask, left=have)
    else:
        with pytest.raises(MarketError) as caught:
            check_room(asked=ask, left=have)
        assert caught.value.code == "BIZ_QUANTITY_UNAVAILABLE"
        assert "available_kw" in caught.value.details


def test_no_periods_is_refused() -> None:
    with pytest.raises(MarketError):
        check_room(asked={}, left={T: Decimal(1)})


def test_the_price_must_be_the_quote_to_the_penny_and_in_time() -> None:
    check_price(quoted_pence=100, agreed_pence=100, now=T, expires_at=T + HALF)
    check_price(quoted_pence=100, agreed_pence=None, now=T, expires_at=T + HALF)
    for agreed, now in ((101, T), (100, T + HALF)):
        with pytest.raises(MarketError) as caught:
            check_price(quoted_pence=100, agreed_pence=agreed, now=now, expires_at=T + HALF)
        assert caught.value.code == "BIZ_QUOTE_EXPIRED_OR_CHANGED"


ORDERED = {T: Decimal(500), T + HALF: Decimal(500)}


@pytest.mark.parametrize(
    ("requested", "now", "code"),
    [
        ({}, T - HALF, "BIZ_INVALID_UPDATE_TARGET"),
        ({T + 2 * HALF: Decimal(1)}, T - HALF, "BIZ_INVALID_UPDATE_TARGET"),
        ({T: Decimal("500.001")}, T - HALF, "BIZ_QUANTITY_UNAVAILABLE"),
        ({T: Decimal(0)}, T - HALF, "BIZ_QUANTITY_UNAVAILABLE"),
        ({T: Decimal(500)}, T - timedelta(minutes=14, seconds=59), "BIZ_FULFILLMENT_UNAVAILABLE"),
    ],
)
def test_instructions_outside_the_order_or_too_late_are_refused(requested, now, code) -> None:
    with pytest.raises(MarketError) as caught:
        check_instruction(requested=requested, ordered=ORDERED, now=now, notice=timedelta(minutes=15))
    assert caught.value.code == code
    assert caught.value.fix


def test_an_instruction_with_exactly_the_agreed_notice_is_accepted() -> None:
    check_instruction(requested=ORDERED, ordered=ORDERED, now=T - timedelta(minutes=15), notice=timedelta(minutes=15))


def test_events_per_day() -> None:
    check_events_per_day(day_counts=[0, 1], limit=2)
    with pytest.raises(MarketError):
        check_events_per_day(day_counts=[0, 2], limit=2)


@pytest.mark.parametrize("kw", ["0", "-1", "0.0004", "12.3456", "NaN", "sNaN", "Infinity", "-Infinity"])
def test_what_is_no_power_in_whole_watts_is_refused(kw: str) -> None:
    with pytest.raises(MarketError) as caught:
        check_power({T: Decimal(1), T + HALF: Decimal(kw)})
    assert caught.value.code == "BIZ_QUANTITY_UNAVAILABLE"
    assert caught.value.fix


@given(st.integers(1, 10**12))
def test_every_whole_number_of_watts_is_a_power(watts: int) -> None:
    check_power({T: Decimal(watts) / 1000})
