"""Tenders on the pages: a need typed and published, a bid placed and taken back, and who sees whose bids when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from django.test import Client
from django.urls import reverse

from marketplace import clock
from marketplace.models import Bid, Tender, User
from marketplace.usecases.clear_tender import clear_tender
from tests.unit.marketplace.api.routes import bid_on, tendered
from tests.unit.marketplace.web.reading import read
from tests.unit.marketplace.web.world import NOW, World

SignedIn = Callable[[User], Client]
NEED = {
    "name": "Evening peak", "product": "OPERATIONAL_UTILISATION", "direction": "REDUCE", "gsp_group": "_A", "gsp_zone": "",
    "start": "2024-01-16T17:00", "end": "2024-01-16T18:30", "closes": "2024-01-16T15:00", "kw": "400 500 400",
    "pricing": "PAY_AS_CLEAR", "ceiling": "0.5", "ceiling_availability": "",
}  # fmt: skip


def test_a_need_is_published_from_the_form_and_its_faults_are_said(world: World, signed_in: SignedIn) -> None:
    client = signed_in(world.grid)
    assert read(client.get(reverse("tenders"))).faults() == []
    for name, typed, words in [
        ("start", "", "The start is missing"), ("kw", "much", "is not numbers"), ("kw", "1 2", "2 powers are given for a window of 3"),
        ("ceiling", "x", "not a price"), ("closes", "2024-01-16T16:45", "before the gate"), ("name", " ", "has no name"),
    ]:  # fmt: skip
        answer = client.post(reverse("tender-new"), NEED | {name: typed})
        page = read(answer)
        assert answer.status_code == 422, name
        assert any(words in one for one in page.problems()), page.problems()
        assert page.faults() == []
    answer = client.post(reverse("tender-new"), NEED)
    made = Tender.objects.get()
    assert answer["Location"] == reverse("tender", args=[made.pk])
    assert [row.needed_kw for row in made.periods.order_by("start_at")] == [400, 500, 400]
    for path in (reverse("tender", args=[made.pk]), reverse("tenders") + "?state=OPEN", reverse("tender-new")):
        assert read(client.get(path)).faults() == []
    assert signed_in(world.operator).get(reverse("tender-new")).status_code == 404
    assert signed_in(world.auditor).get(reverse("tenders")).status_code == 404


def test_a_bid_is_sealed_until_closing_and_then_stacked(world: World, signed_in: SignedIn, monkeypatch) -> None:
    tender = tendered(world)
    path, seller, buyer = reverse("tender", args=[tender.pk]), signed_in(world.operator), signed_in(world.grid)
    bid = {"offer": str(world.offers["draft"].pk), "kw": "300", "price": "0.3", "accept_back_test": "on"}
    for name, typed, words in [
        ("offer", "x", "No draft"),
        ("kw", "", "names no power"),
        ("price", "0.6", "above the ceiling"),
    ]:
        answer = seller.post(reverse("tender-bid", args=[tender.pk]), bid | {name: typed})
        assert answer.status_code == 422
        assert words in read(answer).problems()[0]
    assert seller.post(reverse("tender-bid", args=[tender.pk]), bid).status_code == 302
    placed = Bid.objects.get()
    assert placed.utilisation_price_gbp_per_kwh == Decimal("0.3")
    assert "Leeds 1" in seller.get(path).content.decode()
    assert "sealed until the tender closes" in buyer.get(path).content.decode()
    assert "You have not bid" in signed_in(world.other).get(path).content.decode()
    assert seller.post(reverse("bid-withdraw", args=[tender.pk, placed.pk])).status_code == 302
    placed = bid_on(world)
    monkeypatch.setattr(clock, "now", lambda: tender.closes_at + timedelta(minutes=1))
    assert "being cleared" in buyer.get(path).content.decode()
    clear_tender(tender_id=tender.pk, now=tender.closes_at)
    shown = buyer.get(path)
    assert "<svg" in shown.content.decode()
    assert "no allocation of these bids costs less" in shown.content.decode()
    for client in (buyer, seller):
        assert read(client.get(path)).faults() == []
    placed.refresh_from_db()
    assert placed.state == "TAKEN"
    assert reverse("order", args=[placed.order_id]) in seller.get(path).content.decode()


def test_who_may_not_trade_is_told_so_and_a_strangers_tender_stays(world: World, signed_in: SignedIn) -> None:
    tender = tendered(world)
    cancel = reverse("tender-cancel", args=[tender.pk])
    bid = {"offer": str(world.offers["draft"].pk), "kw": "300", "accept_back_test": "on"}
    refused = signed_in(world.viewer).post(reverse("tender-bid", args=[tender.pk]), bid)
    assert refused.status_code == 403
    assert signed_in(world.operator).post(cancel, {"reason": "x"}).status_code == 404
    buyer = signed_in(world.grid)
    assert buyer.post(cancel, {"reason": ""}).status_code == 422
    assert buyer.post(cancel, {"reason": "The cable is back."}).status_code == 302
    page = buyer.get(reverse("tender", args=[tender.pk]))
    assert "The cable is back." in page.content.decode()
    assert read(page).faults() == []
    assert tender.closes_at > NOW
