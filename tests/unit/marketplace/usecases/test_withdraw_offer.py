"""Withdrawing ends the sale; what was ordered stays sold."""

from __future__ import annotations

import pytest

from marketplace.models import Offer, Order
from marketplace.rules.errors import MarketError
from marketplace.usecases.withdraw_offer import withdraw_offer
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.conftest import events_of
from tests.unit.marketplace.usecases.market import NOW, RIVAL


@pytest.mark.parametrize("state", ["DRAFT", "PUBLISHED"])
def test_an_open_offer_is_withdrawn(offer, state):
    Offer.objects.update(state=state)
    assert withdraw_offer(offer=offer, user=None, reason="maintenance", now=NOW).state == "WITHDRAWN"
    assert events_of(f"offer:{offer.pk}") == ["offer.withdrawn"]


def test_what_was_ordered_stays_sold_and_can_be_dispatched(offer):
    order = market.confirmed(offer, kw="150")
    withdraw_offer(offer=offer, user=None, reason="maintenance", now=NOW)
    assert Order.objects.get().state == "CONFIRMED"
    assert {row.reserved_kw for row in offer.periods.all()} == {150}
    assert market.dispatched(order).state == "ACTIVATION_ACCEPTED"


def test_what_was_only_quoted_cannot_be_bought_any_more(offer):
    withdraw_offer(offer=offer, user=None, reason="maintenance", now=NOW)
    with pytest.raises(MarketError):
        market.quoted(offer, buyer=RIVAL)


@pytest.mark.parametrize("state", ["SOLD", "WITHDRAWN", "EXPIRED"])
def test_a_closed_offer_cannot_be_withdrawn(offer, state):
    Offer.objects.update(state=state)
    with pytest.raises(MarketError) as caught:
        withdraw_offer(offer=offer, user=None, reason="", now=NOW)
    assert caught.value.code == "OFFER_NOT_OPEN"
    assert Offer.objects.get().state == state


def test_a_viewer_may_not_withdraw(offer, owner):
    with pytest.raises(MarketError) as caught:
        withdraw_offer(offer=offer, user=market.person(owner, "VIEWER"), reason="", now=NOW)
    assert caught.value.code == "NOT_ALLOWED"
