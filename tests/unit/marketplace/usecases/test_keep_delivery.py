"""The buyer's own record of a delivery: what the seller sent is kept, worked out anew, and differences are said in words."""

from __future__ import annotations

import copy
from datetime import timedelta
from decimal import Decimal

import pytest

from beckn.ports import Message
from marketplace import bap, clock
from marketplace.bpp import deals
from marketplace.models import Order, Purchase, PurchaseReading, PurchaseSettlement, standing_settlement
from marketplace.queries.purchase_delivery import delivery_of
from marketplace.queries.purchases import purchase_page
from marketplace.usecases.settle_activation import settle_activation
from marketplace.wire.purchase import exact
from tests.unit.marketplace.usecases import buyer, market, settled
from tests.unit.marketplace.usecases.conftest import events_of
from tests.unit.marketplace.usecases.market import END, FIRST, NOW, SECOND

pytestmark = pytest.mark.usefixtures("network")
T0 = END.replace(microsecond=0)


@pytest.fixture
def deal(offer, monkeypatch):
    """(purchase, the seller's on_status after measuring): 300 kW ordered, one half hour a little short."""
    monkeypatch.setattr(clock, "now", lambda: END + timedelta(hours=1))
    purchase, order = buyer.quoted(buyer.grid(), offer)
    purchase.state = "ACTIVE"
    purchase.save()
    order = Order.objects.get(pk=market.initialise_order(
        transaction_id=order.transaction_id, buyer_subscriber_id=buyer.BUYER, now=NOW).pk)  # fmt: skip
    activation = market.dispatched(market.confirm(order), market.instruction("300"))
    market.metered(offer.site, settled.history() | {FIRST: 290_000, SECOND: 330_001})
    statement = settle_activation(activation=activation, now=END)
    answer = deals.status(message("status", {"contract": {}}, purchase, buyer.BUYER))
    return purchase, buyer.wired(answer.message)["contract"], statement


def message(action, body, purchase, sender, at=T0):
    context = {"transactionId": str(purchase.transaction_id), "action": action, "timestamp": at.isoformat()}
    return Message("bap", action, sender, context, body)


def tell(purchase, contract, at=T0):
    bap.on_contract(message("on_status", {"contract": contract}, purchase, buyer.SELLER, at))
    return Purchase.objects.get(pk=purchase.pk)


def delivery(purchase):
    return delivery_of(purchase, exact(purchase.contract), standing_settlement(purchase))


def usage(contract, kw):
    """The same contract with another metered power in its first half hour."""
    told = copy.deepcopy(contract)
    interval = told["performance"][0]["performanceAttributes"]["meters"][0]["telemetry"]["intervals"][0]
    next(one for one in interval["payloads"] if one["type"] == "USAGE")["values"] = [Decimal(kw)]
    return told


def test_a_seller_that_settles_what_it_measured_is_said_to_agree(deal):
    purchase, contract, statement = deal
    purchase = tell(purchase, contract)
    found = delivery(purchase)
    lines = list(statement.lines.order_by("start_at"))
    assert [(row.start, row.baseline_wh, row.metered_wh) for row in found.rows] == [
        (line.start_at, line.baseline_wh, line.metered_wh) for line in lines
    ]
    assert {row.source for row in found.rows} == {buyer.SELLER}
    assert found.check.settlement_id == str(statement.pk)
    assert (found.check.amount_pence, found.check.eligible_wh) == (statement.amount_pence, statement.eligible_wh)
    assert found.check.agrees is True
    page = purchase_page(purchase, END)
    assert (page.settlement.amount_pence, page.settlement.id) == (statement.amount_pence, str(statement.pk))
    assert events_of(f"purchase:{purchase.pk}") == ["purchase.readings"]


def test_another_amount_than_the_readings_come_to_is_flagged_in_words(deal):
    purchase, contract, statement = deal
    attributes = contract["settlements"][0]["settlementAttributes"]
    attributes["amount"]["value"] += Decimal("1.25")
    attributes["eligibleKwh"] += 5
    check = delivery(tell(purchase, contract)).check
    assert check.agrees is False
    energy, money = check.differences
    assert "its readings come to" in energy
    assert "£1.25 more than" in money
    assert check.amount_pence == statement.amount_pence


def test_what_is_beside_energy_is_taken_as_stated_and_named(deal):
    purchase, contract, _ = deal
    price = contract["consideration"][0]["considerationAttributes"]
    price["components"].append({"type": "ROUNDING", "value": Decimal("0.01"), "currency": "GBP", "description": "r"})
    contract["settlements"][0]["settlementAttributes"]["amount"]["value"] += Decimal("0.01")
    check = delivery(tell(purchase, contract)).check
    assert check.agrees is True
    assert check.note.startswith("£0.01 of rounding is taken as the seller states it.")


def test_messages_may_repeat_and_overtake_each_other_and_every_word_is_kept(deal):
    purchase, contract, _ = deal
    later = usage(contract, "700")
    for told, at in ((contract, T0), (contract, T0 + timedelta(seconds=9)), (later, T0 + timedelta(hours=2))):
        purchase = tell(purchase, told, at)
    assert PurchaseReading.objects.count() == 3, "a repeat adds nothing; a revision stands beside what it revises"
    assert PurchaseSettlement.objects.count() == 1
    purchase = tell(purchase, usage(contract, "650"), T0 + timedelta(hours=1))
    found = delivery(purchase)
    assert PurchaseReading.objects.count() == 4
    assert [row.metered_wh for row in found.rows] == [350_000, 330_001], "what was told last, not what came last"
    assert (found.revised, found.rows[0].before) == (1, 2)
    assert found.check.agrees is False
    assert events_of(f"purchase:{purchase.pk}") == ["purchase.readings"] * 3


def test_what_cannot_be_read_is_said_and_does_not_stop_the_delivery(deal):
    purchase, contract, _ = deal
    meter = contract["performance"][0]["performanceAttributes"]["meters"][0]
    whole = meter.pop("telemetry")
    purchase = tell(purchase, contract)
    assert purchase.state == "DELIVERED"
    assert (delivery(purchase).rows, delivery(purchase).check) == ((), None)
    assert "means of the window" in delivery(purchase).unreadable[0]
    for telemetry in (
        whole | {"intervals": [{"id": 0, "payloads": [{"type": "USAGE", "values": [Decimal("1e30")]}]}]},
        whole | {"intervalPeriod": {"start": "2024-01-16T17:10:00Z", "duration": "PT30M"}},
        whole | {"intervals": []},
    ):
        meter["telemetry"] = telemetry
        assert delivery(tell(purchase, contract)).unreadable
    assert not PurchaseReading.objects.exists()


def test_live_telemetry_is_no_reading_and_half_a_delivery_is_not_worked_out(deal):
    purchase, contract, _ = deal
    attributes = contract["performance"][0]["performanceAttributes"]
    method = attributes["methodology"]
    attributes["methodology"] = "RESOURCE_TELEMETRY"
    purchase = tell(purchase, contract)
    assert not PurchaseReading.objects.exists()
    attributes["methodology"] = method
    attributes["meters"][0]["telemetry"]["intervals"].pop()
    found = delivery(tell(purchase, contract))
    assert "2024-01-16T17:30Z" in found.check.because
    assert found.check.agrees is None
