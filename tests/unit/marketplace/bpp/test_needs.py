"""An open tender is found by sellers elsewhere as a need, is told to a discovery service, and is not sold by mistake."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from beckn.ports import Refusal
from beckn.wire import schema
from marketplace import clock
from marketplace.models import SearchResult
from marketplace.queries.catalogue import search_page
from marketplace.usecases.cancel_tender import cancel_tender
from marketplace.usecases.clear_tender import clear_tender
from marketplace.usecases.receive_answer import receive_catalogue
from marketplace.wire.need import CONTEXT
from marketplace.wire.purchase import select_message
from tests.unit.marketplace.test_bpp import Talk
from tests.unit.marketplace.usecases import buyer
from tests.unit.marketplace.usecases.conftest import network, offer, owner, site
from tests.unit.marketplace.usecases.market import NOW
from tests.unit.marketplace.usecases.test_tenders import CLOSES, tender

__all__ = ["network", "offer", "owner", "site"]
pytestmark = pytest.mark.usefixtures("network")


@pytest.fixture(autouse=True)
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set the market's clock; it stands at NOW until then."""
    moment = [NOW]
    monkeypatch.setattr(clock, "now", lambda: moment[0])
    return lambda when: moment.__setitem__(0, when)


def found(**intent: Any) -> list[dict[str, Any]]:
    return list(Talk().say("discover", {"intent": intent})["catalogs"])


def test_a_need_is_found_until_it_closes(db: None, at: Any) -> None:
    opened = tender(buyer.grid(), kw="412.5")
    (catalogue,) = found(textSearch="evening group _A")
    (resource,), (terms,) = catalogue["resources"], catalogue["offers"]
    need = resource["resourceAttributes"]
    columns = {one["type"]: one["values"] for one in need["intervals"][1]["payloads"]}
    assert (need["@type"], need["@context"]) == ("DemandFlexNeed", CONTEXT)
    assert columns == {"CAPACITY_REQUESTED": [Decimal("412.5")], "PRICE": [Decimal("0.5")], "SHORTFALL_PENALTY": [0]}
    inputs = terms["offerAttributes"]["inputs"][0]["inputs"]
    assert (inputs["direction"], inputs["closesAt"]) == ("REDUCE", "2024-01-16T15:10:00Z")
    assert inputs["bids"].endswith(f"/tenders/{opened.pk}")
    by_filter = "$.offers[?(@.offerAttributes.inputs[0].inputs.gridZone == 'GSP:_A')]"
    assert found(filters={"type": "jsonpath", "expression": by_filter}) == [catalogue]
    assert found(textSearch="morning") == []
    at(CLOSES)
    assert found() == []


def test_an_answer_to_a_need_is_refused_in_words(db: None) -> None:
    tender(buyer.grid())
    (catalogue,) = found()
    asked = select_message(
        offer=catalogue["offers"][0],
        resource_id=catalogue["resources"][0]["id"],
        kw=Decimal(100),
        buyer="seller.example",
        seller="s",
    )
    with pytest.raises(Refusal) as caught:
        Talk("seller.example").say("select", asked)
    assert caught.value.code == "NET_NOT_IMPLEMENTED"
    assert "Bid on the page" in caught.value.message


def test_our_own_buyers_see_what_is_sold_and_no_need_among_it(offer: Any) -> None:
    grid = buyer.grid()
    tender(grid)
    catalogs = found()
    assert len(catalogs) == 2
    result = SearchResult.objects.create(organisation=grid, transaction_id=offer.pk, requested_at=NOW)
    receive_catalogue(transaction_id=result.transaction_id, catalogs=catalogs, now=NOW)
    result.refresh_from_db()
    page = search_page(result, NOW)
    assert ([row.offer_id for row in page.rows], page.unreadable) == ([str(offer.pk)], 0)


def test_each_change_of_a_need_is_told_to_the_discovery_service(db: None, settings: Any) -> None:
    settings.BECKN_DISCOVERY_ID = settings.BECKN_PARTICIPANTS["ds"]["subscriber_id"]
    grid = buyer.grid()
    first, second = tender(grid), tender(grid, name="Night", closes_at=CLOSES - timedelta(minutes=30))
    cancel_tender(tender=first, user=None, reason="Not needed.", now=NOW)
    clear_tender(tender_id=second.pk, now=CLOSES)
    told = buyer.sent("catalog/publish")
    for message in told:
        schema.validate(message)
    catalogues = [one["message"]["catalogs"][0] for one in told]
    assert [len(one.get("resources", [])) for one in catalogues] == [1, 2, 1, 0]
    assert [one["isActive"] for one in catalogues] == [True, True, True, False]
