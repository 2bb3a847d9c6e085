"""Asking for a quote sends one select for the offer that was found, or refuses in words."""

from __future__ import annotations

from decimal import Decimal

import pytest

from marketplace.models import Purchase
from marketplace.rules.errors import MarketError
from marketplace.usecases.request_quote import request_quote
from marketplace.wire.contract import read_asked
from tests.unit.marketplace.usecases import buyer, market
from tests.unit.marketplace.usecases.market import END, FIRST, NOW

pytestmark = pytest.mark.usefixtures("network")


@pytest.fixture
def found(offer):
    return buyer.searched(buyer.grid(), offer)


def ask(found, offer_id, *, kw="300", user=None, **more):
    return request_quote(
        organisation=found.organisation,
        search=found,
        offer_id=str(offer_id),
        kw=Decimal(kw),
        user=user,
        now=NOW,
        **more,
    )


def test_a_select_goes_to_the_seller_and_reads_as_what_was_asked(found, offer):
    purchase = ask(found, offer.pk)
    (message,) = buyer.sent("select")
    asked = read_asked(message["message"])
    assert (asked.offer_id, asked.kw, asked.periods) == (str(offer.pk), Decimal(300), None)
    assert (purchase.state, purchase.seller_subscriber_id) == ("QUOTING", buyer.SELLER)
    assert (purchase.start_at, purchase.end_at) == (FIRST, END)


@pytest.mark.parametrize("said", [True, False])
def test_only_who_would_take_less_says_so(found, offer, said):
    ask(found, offer.pk, accept_counter=said)
    (message,) = buyer.sent("select")
    assert read_asked(message["message"]).accept_counter is said


@pytest.mark.parametrize("kw", ["0", "-1"])
def test_nothing_cannot_be_ordered(found, offer, kw):
    with pytest.raises(MarketError) as caught:
        ask(found, offer.pk, kw=kw)
    assert caught.value.code == "BAD_QUANTITY"


def test_an_offer_the_search_did_not_find_cannot_be_quoted(found):
    with pytest.raises(MarketError) as caught:
        ask(found, "00000000-0000-4000-8000-000000000000")
    assert caught.value.code == "BIZ_OFFER_NOT_FOUND"
    assert not Purchase.objects.exists()


def test_who_may_not_buy_may_not_ask_for_a_quote(found, offer):
    with pytest.raises(MarketError) as caught:
        ask(found, offer.pk, user=market.person(found.organisation, "VIEWER"))
    assert caught.value.code == "NOT_ALLOWED"
    assert not Purchase.objects.exists()
