"""What is on sale is told to the discovery service in the transaction that changes it, and to nobody when none is set."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from beckn.models import OutboxMessage
from marketplace.models import Offer
from marketplace.rules.errors import MarketError
from marketplace.usecases.cancel_order import cancel_order
from marketplace.usecases.publish_offer import publish_offer
from marketplace.usecases.search_catalogue import search_catalogue
from marketplace.usecases.withdraw_offer import withdraw_offer
from tests.unit.marketplace.usecases import buyer, market
from tests.unit.marketplace.usecases.market import BUYER, NOW

pytestmark = pytest.mark.usefixtures("network")
SERVICE = "discovery.caco.local"


@pytest.fixture
def service(settings) -> None:
    settings.BECKN_DISCOVERY_ID = SERVICE


def published() -> list[dict[str, Any]]:
    """The catalogues sent so far."""
    return [message["message"]["catalogs"][0] for message in buyer.sent("catalog/publish")]


def left(catalogue: dict[str, Any]) -> list[int]:
    return [one["resourceAttributes"]["maxCapacityKw"] for one in catalogue["resources"]]


def test_each_change_of_what_is_on_sale_is_published(site, service):
    draft = market.offer(site, state=Offer.State.DRAFT)
    publish_offer(offer=draft, user=None, now=NOW)
    order = market.confirmed(draft, kw="150")
    cancel_order(transaction_id=order.transaction_id, buyer_subscriber_id=BUYER, reason="1", now=NOW)
    market.confirmed(draft, kw="400")
    assert [left(one) for one in published()] == [[400], [250], [400], []]
    assert [one["isActive"] for one in published()] == [True, True, True, False]
    assert {one["id"] for one in published()} == {f"cat-{site.organisation.slug}"}
    assert published()[0]["publishDirectives"] == {"catalogType": "regular", "updateMode": "FULL"}
    other = market.offer(site, start=market.END, periods=1)
    withdraw_offer(offer=other, user=None, reason="maintenance", now=NOW)
    assert left(published()[-1]) == []
    assert set(OutboxMessage.objects.filter(action="catalog/publish").values_list("to", flat=True)) == {SERVICE}
    for message in buyer.sent("catalog/publish"):
        assert "bapId" not in message["context"]


def test_a_publication_is_undone_with_its_offer(site, service):
    draft = market.offer(site, state=Offer.State.DRAFT)

    with transaction.atomic():
        publish_offer(offer=draft, user=None, now=NOW)
        assert len(published()) == 1
        transaction.set_rollback(True)
    assert published() == []


def test_without_a_service_nothing_is_published_and_our_seller_is_asked(site):
    publish_offer(offer=market.offer(site, state=Offer.State.DRAFT), user=None, now=NOW)
    assert published() == []
    search_catalogue(organisation=buyer.grid(), now=NOW)
    assert buyer.sent("discover")[0]["context"]["bppId"] == buyer.SELLER


def test_with_a_service_the_buyer_asks_it(service):
    search_catalogue(organisation=buyer.grid(), now=NOW)
    (row,) = OutboxMessage.objects.filter(action="discover")
    assert row.to == SERVICE
    assert "bppId" not in buyer.sent("discover")[0]["context"]


def test_an_unknown_service_stops_a_publication_and_no_sale(site, settings, caplog):
    on_sale = market.offer(site)
    settings.BECKN_DISCOVERY_ID = "nobody.example"
    with pytest.raises(MarketError, match="discovery service is unknown"):
        publish_offer(offer=market.offer(site, start=market.END, state=Offer.State.DRAFT), user=None, now=NOW)
    assert market.confirmed(on_sale).state == "CONFIRMED"
    assert "was not published" in caplog.text
