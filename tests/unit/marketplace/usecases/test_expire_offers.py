"""What is past its gate or its life ends by itself; what was sold does not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace.models import Offer, Order
from marketplace.usecases.expire_offers import expire_offers
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.market import GATE, NOW, RIVAL


@pytest.mark.parametrize("state", ["DRAFT", "PUBLISHED"])
def test_the_gate_closes_open_offers(offer, state):
    Offer.objects.update(state=state)
    assert expire_offers(now=GATE - timedelta(seconds=1)) == 0
    assert expire_offers(now=GATE) == 1
    assert Offer.objects.get().state == "EXPIRED"
    assert expire_offers(now=GATE) == 0


@pytest.mark.parametrize("state", ["SOLD", "WITHDRAWN"])
def test_what_is_closed_stays_as_it_is(offer, state):
    Offer.objects.update(state=state)
    expire_offers(now=GATE)
    assert Offer.objects.get().state == state


def test_a_quote_lapses_and_a_confirmed_order_does_not(offer):
    quoted, final = market.quoted(offer, kw="10"), market.initialised(offer, kw="10", buyer=RIVAL)
    sold = market.confirmed(offer, kw="10")
    assert expire_offers(now=NOW + timedelta(minutes=30)) == 2
    states = {order.pk: order.state for order in Order.objects.all()}
    assert (states[quoted.pk], states[final.pk], states[sold.pk]) == ("EXPIRED", "EXPIRED", "CONFIRMED")
