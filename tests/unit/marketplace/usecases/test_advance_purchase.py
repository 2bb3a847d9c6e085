"""Each word of the buyer sends one message, once, from the states it may be said in."""

from __future__ import annotations

import pytest

from marketplace.models import Purchase
from marketplace.rules.errors import MarketError
from marketplace.usecases.advance_purchase import STEPS, advance_purchase
from marketplace.wire.activation import read_instruction
from marketplace.wire.contract import order_contract, read_agreed_pence
from tests.unit.marketplace.usecases import buyer, market
from tests.unit.marketplace.usecases.market import FIRST, NOW, SECOND

pytestmark = pytest.mark.usefixtures("network")


@pytest.fixture
def purchase(offer):
    """Quoted, with a contract that has its id, as every state from INITIALISED on has."""
    made, order = buyer.quoted(buyer.grid(), offer)
    return buyer.told(made, "on_init", order_contract(order, seller=buyer.SELLER))


@pytest.mark.parametrize("word", STEPS)
@pytest.mark.parametrize("state", Purchase.State.values)
def test_a_word_is_said_in_its_states_only_and_saying_it_twice_sends_once(purchase, word, state):
    wanted = STEPS[word]
    Purchase.objects.update(state=state)
    if state in wanted.allowed:
        assert buyer.step(purchase, word).state == (wanted.waits_in or state)
        assert len(buyer.sent(wanted.action)) == 1
        if wanted.waits_in:
            buyer.step(purchase, word)
            assert len(buyer.sent(wanted.action)) == 1
    elif state == wanted.waits_in:
        assert buyer.step(purchase, word).state == state
        assert buyer.sent(wanted.action) == []
    else:
        with pytest.raises(MarketError) as caught:
            buyer.step(purchase, word)
        assert caught.value.code == "BIZ_INVALID_STATE_TRANSITION"
        assert buyer.sent(wanted.action) == []


def test_confirming_sends_the_quoted_amount_back_to_the_penny(purchase):
    Purchase.objects.update(state="INITIALISED")
    buyer.step(purchase, "confirm")
    (message,) = buyer.sent("confirm")
    assert read_agreed_pence(message["message"]) == purchase.quote_pence == 7500


def test_a_dispatch_instructs_all_that_was_ordered(offer):
    purchase, order = buyer.quoted(buyer.grid(), offer)
    buyer.told(purchase, "on_select", order_contract(order, seller=buyer.SELLER))
    Purchase.objects.update(state="CONFIRMED")
    buyer.step(purchase, "dispatch")
    (message,) = buyer.sent("update")
    given = read_instruction(message["message"])
    assert given.requested_kw == {FIRST: 300, SECOND: 300}
    assert given.issued_at == NOW


def test_who_may_not_buy_may_not_confirm(purchase):
    user = market.person(purchase.organisation, "VIEWER")
    with pytest.raises(MarketError) as caught:
        advance_purchase(purchase=purchase, step="initialise", user=user, now=NOW)
    assert caught.value.code == "NOT_ALLOWED"
    assert Purchase.objects.get().state == "QUOTED"
