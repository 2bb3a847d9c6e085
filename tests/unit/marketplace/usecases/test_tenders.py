"""A tender from need to orders: what may be asked and bid, who is taken and at what price, and why others are not."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from marketplace.agents.optimisation import clear_due
from marketplace.models import AgentDecision, Bid, Event, Offer, Order, Purchase, Tender
from marketplace.queries.sentences import sentence
from marketplace.rules.errors import MarketError
from marketplace.usecases.cancel_tender import cancel_tender
from marketplace.usecases.clear_tender import clear_tender
from marketplace.usecases.place_bid import place_bid
from marketplace.usecases.publish_offer import publish_offer
from marketplace.usecases.publish_tender import publish_tender
from marketplace.usecases.withdraw_bid import withdraw_bid
from marketplace.usecases.withdraw_offer import withdraw_offer
from tests.unit.marketplace.usecases import buyer, market
from tests.unit.marketplace.usecases.market import FIRST, HALF_HOUR, NOW, SECOND

CLOSES = NOW + timedelta(hours=2)


@pytest.fixture
def grid(network):
    return buyer.grid()


def tender(grid, kw: str = "500", **changes) -> Tender:
    facts = {
        "organisation": grid, "user": None, "name": "Evening peak", "product": "OPERATIONAL_UTILISATION", "direction": "REDUCE",
        "gsp_group": "_A", "kw": {FIRST: Decimal(kw), SECOND: Decimal(kw)}, "closes_at": CLOSES, "pricing": "PAY_AS_BID",
        "ceiling_gbp_per_kwh": Decimal("0.5"), "now": NOW,
    }  # fmt: skip
    return publish_tender(**facts | changes)


def draft(owner, slug: str, *, kw: str = "400", **changes) -> Offer:
    return market.offer(
        market.site(owner, slug=slug, name=slug.title()), kw=kw, state="DRAFT", published_at=None, **changes
    )


def bid(on: Tender, offer: Offer, kw: str, price: str, *, least: str = "0", minutes: int = 0) -> Bid:
    return place_bid(
        tender=on, offer=offer, user=None, kw=Decimal(kw), least_kw=Decimal(least), price_gbp_per_kwh=Decimal(price),
        now=NOW + timedelta(minutes=minutes),
    )  # fmt: skip


def refused(code: str, words: str, call) -> None:
    with pytest.raises(MarketError, match=words) as caught:
        call()
    assert caught.value.code == code
    assert caught.value.fix


def test_the_cheapest_bids_become_orders_at_their_price_and_the_rest_is_told_why(grid, owner):
    on = tender(grid)
    dear = bid(on, draft(owner, "hull"), "400", "0.3")
    cheap = bid(on, draft(owner, "leeds"), "350", "0.2", minutes=1)
    late_dear = bid(on, draft(owner, "york"), "100", "0.3", minutes=2)
    assert clear_tender(tender_id=on.pk, now=CLOSES - timedelta(seconds=1)).state == "OPEN"
    cleared = clear_tender(tender_id=on.pk, now=CLOSES)
    assert (cleared.state, cleared.clearing["proved"], cleared.clearing_price_gbp_per_kwh) == ("CLEARED", True, None)
    for one in (cheap, dear, late_dear):
        one.refresh_from_db()
    assert [(one.state, one.taken_kw) for one in (cheap, dear, late_dear)] == [
        ("TAKEN", 350),
        ("TAKEN", 150),
        ("REFUSED", 0),
    ]
    assert "as the last bid taken did, which was placed earlier" in late_dear.reason
    assert [(row.needed_kw, row.taken_kw) for row in cleared.periods.order_by("start_at")] == [(500, 500), (500, 500)]
    # 350 kWh at 20 p are £70, 150 kWh at 30 p are £45.
    assert {(order.quote_pence, order.state) for order in Order.objects.all()} == {
        (7000, "CONFIRMED"),
        (4500, "CONFIRMED"),
    }
    assert dear.order.offer.state == "SOLD", "what was not taken of a bid is not on sale"
    assert dear.order.documents.count() == 1
    purchase = Purchase.objects.get(transaction_id=dear.order.transaction_id)
    (told,) = [one for one in buyer.sent("on_confirm") if one["message"]["contract"]["id"] == str(dear.order.pk)]
    purchase = buyer.told(purchase, "on_confirm", told["message"]["contract"])
    assert (purchase.state, purchase.requested_kw, purchase.quote_pence) == ("CONFIRMED", 150, 4500)
    said = {event.type: sentence(event.type, event.payload) for event in Event.objects.order_by("pk")}
    assert said["tender.cleared"] == "The tender Evening peak was cleared: 2 of 3 bids were taken."
    assert said["bid.taken"] == "The tender Evening peak took 350 kW of the bid of leeds."
    assert clear_tender(tender_id=on.pk, now=CLOSES).pk == on.pk
    assert Order.objects.count() == 2


def test_pay_as_clear_pays_everybody_the_last_price_taken(grid, owner):
    on = tender(grid, pricing="PAY_AS_CLEAR")
    bids = [bid(on, draft(owner, "leeds"), "350", "0.2"), bid(on, draft(owner, "hull"), "400", "0.3")]
    assert clear_tender(tender_id=on.pk, now=CLOSES).clearing_price_gbp_per_kwh == Decimal("0.3")
    orders = [Bid.objects.get(pk=one.pk).order for one in bids]
    assert [order.quote_pence for order in orders] == [10500, 4500]
    assert [order.offer.utilisation_price_gbp_per_kwh for order in orders] == [Decimal("0.3")] * 2


def test_a_bid_that_cannot_be_sold_any_more_gives_way_to_the_next(grid, owner):
    on = tender(grid, "300")
    cheap = bid(on, draft(owner, "leeds"), "300", "0.1")
    next_best = bid(on, draft(owner, "hull"), "300", "0.2")
    refused("OFFER_IN_BID", "closes at 2024-01-16T15:10Z", lambda: publish_offer(offer=cheap.offer, user=None, now=NOW))
    refused(
        "OFFER_IN_BID",
        "on the tender Evening peak",
        lambda: withdraw_offer(offer=cheap.offer, user=None, reason="x", now=NOW),
    )
    market.confirmed(market.offer(cheap.offer.site), kw="400")  # the site's time is sold otherwise meanwhile
    clear_tender(tender_id=on.pk, now=CLOSES)
    cheap.refresh_from_db()
    next_best.refresh_from_db()
    assert (cheap.state, next_best.state) == ("REFUSED", "TAKEN")
    assert cheap.reason.startswith("It could not be sold.")
    assert cheap.offer.periods.get(start_at=FIRST).offered_kw == 400, "a failed award leaves no trace"


def test_a_tender_without_bids_or_cleared_too_late_closes_empty(grid, owner):
    empty = tender(grid)
    assert clear_tender(tender_id=empty.pk, now=CLOSES).state == "EMPTY"
    late = tender(grid, name="Late")
    placed = bid(late, draft(owner, "leeds"), "300", "0.1")
    assert clear_tender(tender_id=late.pk, now=FIRST).state == "EMPTY"
    placed.refresh_from_db()
    assert "gate for this offer closed" in placed.reason


def test_a_least_that_does_not_fit_is_said(grid, owner):
    on = tender(grid, "100")
    whole = bid(on, draft(owner, "leeds"), "400", "0.2", least="400")
    clear_tender(tender_id=on.pk, now=CLOSES)
    whole.refresh_from_db()
    assert "least of 400 kW would cost more than the need there is worth" in whole.reason


def test_the_agent_clears_what_has_closed_and_says_what_it_did(grid, owner, monkeypatch):
    on = tender(grid)
    bid(on, draft(owner, "leeds"), "350", "0.2")
    monkeypatch.setattr("marketplace.clock.now", lambda: CLOSES)
    clear_due()
    clear_due()
    (decision,) = AgentDecision.objects.filter(subject=f"tender:{on.pk}")
    assert decision.decided == "took 1"
    assert "proved to be the cheapest; 150 kW" in decision.why


def test_cancelling_and_withdrawing_free_the_offer(grid, owner):
    on, other = tender(grid), tender(grid, name="Other")
    offer = draft(owner, "leeds")
    first = bid(on, offer, "300", "0.2")
    refused("BID_OVERLAPS", "already has a bid of 300 kW", lambda: bid(other, offer, "300", "0.2"))
    assert withdraw_bid(bid=first, user=None, now=NOW).state == "WITHDRAWN"
    second = bid(other, offer, "300", "0.2")
    refused("BAD_REASON", "No reason", lambda: cancel_tender(tender=other, user=None, reason=" ", now=NOW))
    assert cancel_tender(tender=other, user=None, reason="The cable is back.", now=NOW).state == "CANCELLED"
    second.refresh_from_db()
    assert second.reason == "The tender was cancelled: The cable is back."
    refused("TENDER_CLOSED", "is cancelled", lambda: bid(other, offer, "300", "0.2"))
    third = bid(on, offer, "300", "0.2")
    refused("TENDER_CLOSED", "its bids bind", lambda: withdraw_bid(bid=third, user=None, now=CLOSES))


def test_what_cannot_be_asked_is_refused_in_a_sentence(grid):
    def ask(**changes):
        return lambda: tender(grid, **changes)

    refused("BAD_CLOSING", "until 2024-01-16T16:20Z", ask(closes_at=FIRST - HALF_HOUR))
    refused("BAD_CLOSING", "can close after", ask(closes_at=NOW))
    refused("BAD_ZONE", "'_I' is no GSP group", ask(gsp_group="_I"))
    refused("BAD_QUANTITY", "Nothing is needed", ask(kw="0"))
    refused("BAD_QUANTITY", "is 0.0001 kW", ask(kw="0.0001"))
    refused("BAD_PRICE", "The ceiling is 0", ask(ceiling_gbp_per_kwh=Decimal(0)))
    refused("BAD_PRICE", "pays utilisation only", ask(ceiling_availability_gbp_per_mw_h=Decimal(5)))
    refused("BAD_NAME", "no name", ask(name=" "))
    available = {"product": "VARIABLE_AVAILABILITY_OPERATIONAL_UTILISATION", "closes_at": NOW + timedelta(hours=1)}
    refused("BAD_PRICING", "two prices", ask(pricing="PAY_AS_CLEAR", **available))
    assert not Tender.objects.exists()


def test_what_cannot_be_bid_is_refused_in_a_sentence(grid, owner):
    on = tender(grid, gsp_zone="NORM_1")
    elsewhere = draft(owner, "leeds")
    refused("BAD_ZONE", "the tender is for _A NORM_1", lambda: bid(on, elsewhere, "300", "0.2"))
    on = tender(grid)
    refused("BAD_QUANTITY", "the offer proves 400 kW", lambda: bid(on, elsewhere, "401", "0.2"))
    refused("BAD_QUANTITY", "Write kilowatts from 10", lambda: bid(on, elsewhere, "9", "0.2"))
    refused("BAD_LEAST", "At least 301 kW of 300 kW", lambda: bid(on, elsewhere, "300", "0.2", least="301"))
    refused("BAD_PRICE", "above the ceiling of 0.5", lambda: bid(on, elsewhere, "300", "0.51"))
    refused("TENDER_CLOSED", "closed at 2024-01-16T15:10Z", lambda: bid(on, elsewhere, "300", "0.2", minutes=120))
    longer = draft(owner, "hull", start=FIRST - HALF_HOUR, periods=3)
    refused("BAD_WINDOW", "does not lie within", lambda: bid(on, longer, "300", "0.2"))
    on_sale = market.offer(market.site(owner, slug="york"))
    refused("OFFER_NOT_DRAFT", "drawn from a draft", lambda: bid(on, on_sale, "300", "0.2"))
    unproved = draft(owner, "bath", certificate={"holds": False})
    refused("CERTIFICATE_FAILED", "No schedule", lambda: bid(on, unproved, "300", "0.2"))
    other = draft(owner, "bude", product="SCHEDULED_UTILISATION")
    refused("BAD_PRODUCT", "The tender buys OPERATIONAL_UTILISATION", lambda: bid(on, other, "300", "0.2"))
    doubtful = draft(owner, "ely", back_test=market.back_tested("It is 9 % off."))
    refused("BACK_TEST_NOT_ACCEPTED", "It is 9 % off", lambda: bid(on, doubtful, "300", "0.2"))
    assert not Bid.objects.exists()
