"""What the home page asks of an operator: tenders without a bid, meter files, disputes whose time runs out, awards to decide."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from marketplace.models import Dispute, MeterFile, Order, Purchase, SaleRules, Site, Tender
from marketplace.queries.attention import operator_items, waiting_disputes
from marketplace.queries.tenders import filtered_tenders, tender_page
from marketplace.usecases.approve_order import approve_order
from marketplace.usecases.clear_tender import clear_tender
from marketplace.usecases.decline_order import decline_order
from marketplace.usecases.expire_offers import expire_offers
from marketplace.usecases.receive_answer import receive_answer
from marketplace.wire.contract import order_contract
from tests.unit.marketplace.usecases import buyer, market
from tests.unit.marketplace.usecases.conftest import events_of, network, owner, site
from tests.unit.marketplace.usecases.disputed import Table
from tests.unit.marketplace.usecases.market import FIRST, HALF_HOUR, NOW, SECOND
from tests.unit.marketplace.usecases.test_tenders import CLOSES, bid, draft, tender

__all__ = ["network", "owner", "site"]
pytestmark = pytest.mark.usefixtures("network")
MINUTE = timedelta(minutes=1)


def items(user, route, now=NOW):
    return [one for one in operator_items(user, now) if one.route == route]


def test_a_tender_of_the_zone_waits_until_a_site_of_ours_has_bid(owner):
    user = market.person(owner, "ADMIN")
    offer = draft(owner, "leeds-1")
    Site.objects.update(gsp_group="_A", gsp_zone="NORM_1")
    opened = tender(buyer.grid(), closes_at=NOW + timedelta(hours=3))
    tender(opened.organisation, name="Elsewhere", gsp_group="_B")
    tender(opened.organisation, name="Another point", gsp_zone="NORM_2")
    (item,) = items(user, "tender")
    assert item.text == "The tender Evening peak takes bids, and you have not bid"
    assert (item.key, item.by, item.word) == (str(opened.pk), opened.closes_at, "until")
    assert "closes soon" in items(user, "tender", NOW + timedelta(hours=1))[0].text
    assert items(user, "tender", opened.closes_at) == []
    bid(opened, offer, "300", "0.2")
    assert items(user, "tender") == []


def test_a_refused_meter_file_and_one_with_gaps_wait_until_the_gaps_are_filled(site):
    user = market.person(site.organisation, "OPERATOR")
    facts = {"site": site, "content": b"x", "sha256": "a" * 64, "source": "m", "label": "MEASURED", "created_at": NOW}
    MeterFile.objects.create(filename="bad.csv", state="REFUSED", error="It has no header.", **facts)
    gap = {"direction": "IMPORT", "start": FIRST.isoformat(), "count": 2, "partial": False}
    MeterFile.objects.create(filename="gaps.csv", state="IMPORTED", gaps=[gap], gaps_total=2, **facts)
    MeterFile.objects.create(filename="whole.csv", state="IMPORTED", **facts)
    refused, gaps = items(user, "meter-file")
    assert (refused.text, refused.why) == (
        "bad.csv was refused: none of its readings are recorded",
        "It has no header.",
    )
    assert (gaps.text, gaps.tone) == ("gaps.csv left gaps in the readings of Leeds 1", "attention")
    assert gaps.why.startswith("2 half hours have")
    market.metered(site, {FIRST: 1})
    assert items(user, "meter-file")[1].why.startswith("1 half hour has")
    market.metered(site, {SECOND: 1})
    assert [one.text for one in items(user, "meter-file")] == [refused.text]
    assert items(user, "meter-file", NOW + timedelta(days=3)) == []


def test_a_dispute_whose_clock_runs_out_is_urgent_before_it_is_late(site):
    table = Table(site)
    table.buyer_is_here()
    dispute = table.open()
    seen = {
        days: next(waiting_disputes(table.people[table.seller], dispute.response_due_at - timedelta(days=days)))
        for days in (3, 1, 0)
    }
    assert [(one.text.partition("answer")[2], one.tone) for one in seen.values()] == [
        ("", "attention"),
        (", whose time runs out", "bad"),
        (", which is overdue", "bad"),
    ]
    assert Dispute.objects.get().state == "OPEN"


@pytest.fixture
def awarded(owner):
    """(tender, its order that waits for the seller, somebody who decides): 300 kW of 500 awarded above the site's limit."""
    offer = draft(owner, "leeds-1")
    SaleRules.objects.create(site=offer.site, approve_above_kw=Decimal(100), updated_at=NOW)
    opened = tender(buyer.grid())
    bid(opened, offer, "300", "0.2")
    clear_tender(tender_id=opened.pk, now=CLOSES)
    return Tender.objects.get(), Order.objects.get(), market.person(owner, "ADMIN")


def test_an_award_above_the_site_s_limit_waits_and_is_sold_once_approved(awarded):
    opened, order, user = awarded
    assert (order.state, Purchase.objects.get().state) == ("PENDING", "CONFIRMING")
    (item,) = items(user, "order-decide", CLOSES + MINUTE)
    assert item.text == "The award of the tender Evening peak to Leeds-1 waits for you"
    assert item.by == order.approve_by
    order = approve_order(order=order, user=user, now=CLOSES + MINUTE)
    assert (order.state, order.bid.state, order.bid.taken_kw) == ("CONFIRMED", "TAKEN", 300)
    told = buyer.sent("on_status")[-1]["message"]["contract"]
    assert order_contract(order, seller=buyer.SELLER)["status"] == told["status"]
    receive_answer(
        action="on_status", seller_subscriber_id=buyer.SELLER, transaction_id=order.transaction_id, contract=told,
        error=None, now=CLOSES + MINUTE,
    )  # fmt: skip
    assert Purchase.objects.get().state == "CONFIRMED"
    assert {row.taken_kw for row in opened.periods.all()} == {300}


@pytest.mark.parametrize("ends", ["declined", "lapsed"])
def test_an_award_that_is_turned_down_or_not_decided_is_lost_and_its_need_unmet(awarded, ends):
    opened, order, user = awarded
    if ends == "declined":
        decline_order(order=order, user=user, reason="The hall is being refitted.", now=CLOSES + MINUTE)
    else:
        expire_offers(now=order.approve_by)
    order = Order.objects.get()
    assert order.state == {"declined": "CANCELLED", "lapsed": "EXPIRED"}[ends]
    assert (order.bid.state, order.bid.taken_kw) == ("REFUSED", 0)
    assert order.bid.reason.startswith("It was awarded and lost. The ")
    assert {row.taken_kw for row in opened.periods.all()} == {0}
    page = tender_page(
        filtered_tenders(Tender.objects.all(), "").get(),
        market.person(opened.organisation, "TRADER"),
        CLOSES + HALF_HOUR,
    )
    assert {row.unmet_kw for row in page.periods} == {500}
    assert events_of(f"bid:{order.bid.pk}")[-1] == "bid.lost"
