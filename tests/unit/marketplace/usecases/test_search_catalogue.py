"""A search is one signed question with a filter the seller understands; the answer is kept exactly."""

from __future__ import annotations

from decimal import Decimal

import pytest

from beckn.wire import intent
from marketplace.models import SearchResult
from marketplace.rules.errors import MarketError
from marketplace.usecases.receive_answer import receive_catalogue
from marketplace.usecases.search_catalogue import search_catalogue
from marketplace.wire.catalogue import catalogues
from tests.unit.marketplace.usecases import buyer, market
from tests.unit.marketplace.usecases.market import NOW

pytestmark = pytest.mark.usefixtures("network")


def search(**changes):
    return search_catalogue(organisation=buyer.grid(), now=NOW, **changes)


def test_a_search_is_one_discover_to_the_seller():
    result = search(text=" Leeds ", direction="REDUCE", min_kw=Decimal("250.0"))
    (message,) = buyer.sent("discover")
    assert message["context"]["transactionId"] == str(result.transaction_id)
    intent = message["message"]["intent"]
    assert intent["textSearch"] == "Leeds"
    assert "REDUCE" in intent["filters"]["expression"]
    assert ">= 250" in intent["filters"]["expression"]
    assert result.answered_at is None


def test_the_filter_we_send_is_one_our_own_seller_can_read(site):
    small, large = market.offer(site, kw="100"), market.offer(market.site(site.organisation, "leeds-2"), kw="400")
    search(direction="REDUCE", min_kw=Decimal(250))
    (message,) = buyer.sent("discover")
    everything = catalogues([small, large], seller=buyer.SELLER, bpp_url=buyer.BPP["url"], now=NOW)
    found = intent.matching(everything, intent.read(message["message"]), now=NOW)
    assert [offer["id"] for catalogue in found for offer in catalogue["offers"]] == [str(large.pk)]


def test_a_search_for_everything_sends_no_filter():
    search()
    (message,) = buyer.sent("discover")
    assert message["message"]["intent"] == {}


def test_an_unknown_direction_is_refused_before_anything_is_sent():
    with pytest.raises(MarketError) as caught:
        search(direction="SIDEWAYS")
    assert caught.value.code == "BAD_FILTER"
    assert (SearchResult.objects.count(), buyer.sent("discover")) == (0, [])


def test_a_stranger_may_not_search():
    organisation = buyer.grid()
    stranger = market.person(market.organisation("Mersey"), "ADMIN")
    with pytest.raises(MarketError) as caught:
        search_catalogue(organisation=organisation, user=stranger, now=NOW)
    assert caught.value.code == "NOT_ALLOWED"


def test_an_answer_nobody_asked_for_is_refused(offer):
    with pytest.raises(MarketError) as caught:
        receive_catalogue(transaction_id=offer.pk, catalogs=[], now=NOW)
    assert caught.value.code == "CTX_TRANSACTION_ID_UNKNOWN"


def test_the_answer_keeps_every_digit(offer):
    result = buyer.searched(buyer.grid(), offer)
    assert result.answered_at == NOW
    assert '"0.25"' in str(result.catalogs).replace("'", '"')
