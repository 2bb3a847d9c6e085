"""Terms become final once; a stranger's transaction looks like an unknown one."""

from __future__ import annotations

import uuid

import pytest

from marketplace.models import Order
from marketplace.rules.errors import MarketError
from marketplace.rules.order_state import InvalidTransitionError
from marketplace.usecases.initialise_order import initialise_order
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.market import BUYER, GATE, NOW, RIVAL


def test_a_quote_becomes_final_terms_once(offer):
    order = market.quoted(offer)
    first = initialise_order(transaction_id=order.transaction_id, buyer_subscriber_id=BUYER, now=NOW)
    again = initialise_order(transaction_id=order.transaction_id, buyer_subscriber_id=BUYER, now=NOW)
    assert (first.state, again.pk, again.version) == ("INITIALISED", first.pk, first.version)
    assert set(offer.periods.values_list("reserved_kw", flat=True)) == {0}


@pytest.mark.parametrize("buyer", [BUYER, RIVAL])
def test_an_unknown_transaction_and_a_strangers_look_the_same(offer, buyer):
    order = market.quoted(offer)
    identity = uuid.uuid4() if buyer == BUYER else order.transaction_id
    with pytest.raises(MarketError) as caught:
        initialise_order(transaction_id=identity, buyer_subscriber_id=buyer, now=NOW)
    assert caught.value.code == "BIZ_ORDER_NOT_FOUND"
    assert Order.objects.get().state == "DRAFT"


def test_after_gate_closure_terms_are_refused(offer):
    order = market.quoted(offer)
    with pytest.raises(MarketError) as caught:
        initialise_order(transaction_id=order.transaction_id, buyer_subscriber_id=BUYER, now=GATE)
    assert caught.value.code == "BIZ_FULFILLMENT_UNAVAILABLE"


@pytest.mark.parametrize("state", ["CONFIRMED", "ACTIVE", "SETTLED", "CANCELLED", "EXPIRED"])
def test_an_order_past_this_step_does_not_go_back(offer, state):
    order = market.moved(market.quoted(offer), state)
    with pytest.raises(InvalidTransitionError):
        initialise_order(transaction_id=order.transaction_id, buyer_subscriber_id=BUYER, now=NOW)
    assert Order.objects.get().state == state


def test_terms_are_not_agreed_on_a_quote_that_has_run_out(offer):
    order = market.quoted(offer)
    with pytest.raises(MarketError) as caught:
        initialise_order(transaction_id=order.transaction_id, buyer_subscriber_id=BUYER, now=order.quote_expires_at)
    assert caught.value.code == "BIZ_QUOTE_EXPIRED_OR_CHANGED"
