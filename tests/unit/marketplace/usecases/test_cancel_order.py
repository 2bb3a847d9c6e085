"""Cancelling gives capacity back exactly once, and only before a dispatch."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from marketplace.models import Event, Offer, Order
from marketplace.queries.sentences import sentence
from marketplace.rules.errors import MarketError
from marketplace.rules.order_state import InvalidTransitionError
from marketplace.usecases.cancel_order import cancel_order
from marketplace.wire.contract import order_contract
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.conftest import events_of
from tests.unit.marketplace.usecases.market import BUYER, FIRST, GATE, NOW, RIVAL


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


def test_cancelling_is_free_until_the_agreed_moment_and_costs_the_agreed_fee_from_then_on(offer):
    """An eighth of the quote, to the penny, from two hours before the window; terms changed later do not reach the order."""
    Offer.objects.update(cancellation_fee_percent=Decimal("12.5"), free_cancellation_s=7200)
    orders = [market.confirmed(offer, kw="133.333", buyer=f"{number}.example") for number in range(3)]
    Offer.objects.update(cancellation_fee_percent=Decimal(100), free_cancellation_s=10**6)
    last = FIRST - timedelta(hours=2)
    assert (orders[0].quote_pence, orders[0].cancellation_fee_pence) == (3333, 417)
    for order, now, fee in zip(orders, (last - timedelta(seconds=1), last, GATE), (0, 417, 417), strict=True):
        done = cancel(order, buyer=order.buyer_subscriber_id, now=now)
        assert done.cancellation_charged_pence == fee
        contract = order_contract(done, seller="seller.example")
        price = contract["consideration"][0]["considerationAttributes"]
        assert (price["value"] * 100, price["components"][0]["type"]) == (fee, "CANCELLATION_FEE")
        flows = contract["contractAttributes"].get("revenueFlows", [])
        assert [flow["value"] * 100 for flow in flows] == ([-fee, fee] if fee else [])
        said = sentence(
            "order.cancelled", bytes(Event.objects.get(subject=f"order:{order.pk}", type="order.cancelled").payload)
        )
        assert ("The buyer owes £4.17." in said) == bool(fee)
    assert reserved(offer) == [0, 0]


def test_a_quote_owes_nothing(offer):
    Offer.objects.update(cancellation_fee_percent=Decimal(50), free_cancellation_s=10**6)
    assert cancel(market.initialised(offer)).cancellation_charged_pence == 0
