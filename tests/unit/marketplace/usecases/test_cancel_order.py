"""Cancelling gives capacity back exactly once, and only before a dispatch."""

from __future__ import annotations

import pytest

from marketplace.models import Offer, Order
from marketplace.rules.errors import MarketError
from marketplace.rules.order_state import InvalidTransitionError
from marketplace.usecases.cancel_order import cancel_order
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.conftest import events_of
from tests.unit.marketplace.usecases.market import BUYER, GATE, NOW, RIVAL


def cancel(order, *, buyer=BUYER, now=NOW):
    return cancel_order(transaction_id=order.transaction_id, buyer_subscriber_id=buyer, reason="CHANGED_PLANS", now=now)


def reserved(offer):
    return [row.reserved_kw for row in offer.periods.order_by("start_at")]


def test_a_confirmed_order_gives_its_capacity_back_once(offer):
    order = market.confirmed(offer)
    market_state = Offer.objects.get().state
    first, again = cancel(order), cancel(order)
    assert (market_state, first.state, again.version) == ("SOLD", "CANCELLED", first.version)
    assert reserved(offer) == [0, 0]
    assert Offer.objects.get().state == "PUBLISHED"
    assert events_of(f"order:{order.pk}") == ["order.confirmed", "order.cancelled"]


def test_only_its_own_capacity_comes_back(offer):
    market.confirmed(offer, kw="150", buyer=RIVAL)
    cancel(market.confirmed(offer, kw="250"))
    assert reserved(offer) == [150, 150]


@pytest.mark.parametrize("make", [market.quoted, market.initialised])
def test_what_was_never_reserved_is_not_given_back(offer, make):
    market.confirmed(offer, kw="100", buyer=RIVAL)
    assert cancel(make(offer, kw="300")).state == "CANCELLED"
    assert reserved(offer) == [100, 100]


def test_after_the_gate_the_offer_does_not_return_to_sale(offer):
    cancel(market.confirmed(offer), now=GATE)
    assert Offer.objects.get().state == "SOLD"
    assert reserved(offer) == [0, 0]


@pytest.mark.parametrize("state", ["ACTIVE", "DELIVERED", "SETTLED"])
def test_a_dispatched_order_ends_by_delivery(offer, state):
    order = market.moved(market.confirmed(offer), state)
    with pytest.raises(MarketError) as caught:
        cancel(order)
    assert caught.value.code == "POL_CANCELLATION_NOT_ALLOWED"
    assert reserved(offer) == [400, 400]


def test_an_expired_order_is_past_cancelling(offer):
    order = market.moved(market.initialised(offer), "EXPIRED")
    with pytest.raises(InvalidTransitionError):
        cancel(order)


def test_a_stranger_cannot_cancel(offer):
    order = market.confirmed(offer)
    with pytest.raises(MarketError) as caught:
        cancel(order, buyer=RIVAL)
    assert caught.value.code == "BIZ_ORDER_NOT_FOUND"
    assert Order.objects.get().state == "CONFIRMED"
