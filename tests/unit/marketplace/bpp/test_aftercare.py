"""Tracking, rating and support: the seller's answers, the buyer's questions, and that both fit the network's schema."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest

from beckn.ports import Message, Refusal, Reply
from beckn.wire import body, context, schema
from beckn.wire.actions import ACTIONS
from marketplace import bap, bpp, clock
from marketplace.models import AgentDecision, Event, Order
from marketplace.rules.errors import MarketError
from marketplace.usecases.ask_seller import ask_seller
from marketplace.wire.contract import order_contract
from marketplace.wire.purchase import exact
from tests.unit.marketplace.usecases import buyer, market
from tests.unit.marketplace.usecases.conftest import network, offer, owner, site
from tests.unit.marketplace.usecases.market import BUYER, END, FIRST, NOW, RIVAL, SECOND

__all__ = ["network", "offer", "owner", "site"]
pytestmark = pytest.mark.django_db
PARTY = context.Party("market.example", "https://market.example/beckn/bpp")


@pytest.fixture(autouse=True)
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set the market's clock; it stands at NOW until then."""
    moment = [NOW]
    monkeypatch.setattr(clock, "now", lambda: moment[0])
    return lambda when: moment.__setitem__(0, when)


def valid(action: str, message: Any) -> dict[str, Any]:
    """The message as its receiver reads it, having fitted the schema."""
    told = {
        "context": context.build(
            action=ACTIONS[action], us=PARTY, peer=PARTY, network_id="n/r", transaction_id=uuid.uuid4(),
            message_id=uuid.uuid4(), now=NOW, ttl=clock.offset(),
        ),
        "message": message,
    }  # fmt: skip
    read = body.parse(body.dump(told))
    schema.validate(read)
    return dict(read["message"])


def say(action: str, message: dict[str, Any], order: Order, *, by: str = BUYER) -> dict[str, Any]:
    """The seller's answer to a buyer's message in the order's transaction."""
    told = {"transactionId": str(order.transaction_id), "action": action}
    reply = bpp.ACTIONS[action](Message("bpp", action, by, told, valid(action, message)))
    assert isinstance(reply, Reply)
    return valid(f"on_{action}", reply.message)


def track(order: Order, **change: Any) -> dict[str, Any]:
    asked = {
        "url": "https://buyer.example/track",
        "status": "ACTIVE",
        "contract": order_contract(order, seller="s"),
    } | change
    return dict(say("track", {"tracking": asked}, order)["tracking"])


def rate(order: Order, target: str = "", *, by: str = BUYER, **scale: Any) -> dict[str, Any]:
    target = target or str(order.pk)
    return say(
        "rate", {"ratingInputs": [{"target": {"id": target}, "range": {"min": 1, "max": 5} | scale}]}, order, by=by
    )


def refused(code: str, call: Any, *arguments: Any, **named: Any) -> None:
    with pytest.raises(Refusal) as caught:
        call(*arguments, **named)
    assert caught.value.code == code


def test_tracking_shows_the_newest_reading_of_the_dispatch_and_says_what_it_is(offer, network, at):
    order = market.confirmed(offer)
    assert track(order)["status"] == "INACTIVE"
    market.dispatched(order)
    assert track(order)["status"] == "INACTIVE"  # it has not begun
    at(FIRST)
    found = track(order)
    assert found["status"] == "ACTIVE"
    assert found["url"].endswith(f"/orders/{order.pk}")
    assert found["trackingAttributes"]["resolution"] == "PT30M"
    assert "deliveredKw" not in found["trackingAttributes"]
    # The plan drew 1,000 kW; the meter read 310 kWh in the first half hour, 620 kW.
    market.metered(offer.site, {FIRST: 310_000}, label="SIMULATED", known_at=SECOND)
    market.metered(offer.site, {SECOND: 999_000}, known_at=END)
    at(SECOND)
    told = track(order)["trackingAttributes"]
    assert (told["deliveredKw"], told["label"]) == (380, "SIMULATED")
    assert (told["periodStart"], told["asOf"]) == ("2024-01-16T17:00:00Z", "2024-01-16T17:30:00Z")
    assert "not the settlement baseline" in told["source"]
    at(END)
    assert (track(order)["status"], track(order)["trackingAttributes"]["deliveredKw"]) == ("INACTIVE", -998)


def test_tracking_is_for_the_buyer_of_the_order_alone(offer, network):
    order = market.confirmed(offer)
    other = order_contract(order, seller="s") | {"id": str(uuid.uuid4())}
    refused("BIZ_ORDER_NOT_FOUND", track, order, contract=other)
    message = {"tracking": {"url": "https://x.example", "status": "ACTIVE"}}
    refused("BIZ_ORDER_NOT_FOUND", say, "track", message, order, by=RIVAL)


def test_a_rating_is_kept_in_the_record(offer, network):
    order = market.confirmed(offer)
    refused("BIZ_INVALID_STATE_TRANSITION", rate, order, value=5)
    market.dispatched(order)
    answer = rate(order, value=Decimal("4.5"))
    assert answer["ratings"] == [
        {
            "target": {"id": str(order.pk), "descriptor": {"code": "CONTRACT"}},
            "range": {"min": 1, "max": 5, "value": Decimal("4.5")},
        }
    ]
    event = Event.objects.get(type="order.rated")
    assert event.subject == f"order:{order.pk}"
    assert b'"score":"4.5"' in bytes(event.payload)


@pytest.mark.parametrize(
    "scale", [{"value": 6}, {"value": 0}, {"value": "5"}, {}, {"value": True}, {"value": 3, "min": 5, "max": 1}, {"value": 3, "max": None}]
)  # fmt: skip
def test_an_impossible_rating_is_refused(offer, network, scale):
    order = market.confirmed(offer)
    market.dispatched(order)
    refused("BIZ_INVALID_RATING_VALUE", rate, order, **scale)
    assert not Event.objects.filter(type="order.rated").exists()


def test_only_an_order_of_the_rater_can_be_rated(offer, network):
    order = market.confirmed(offer)
    for target, by in ((str(uuid.uuid4()), BUYER), ("five", BUYER), (str(order.pk), RIVAL)):
        refused("BIZ_RATING_TARGET_NOT_FOUND", rate, order, target, by=by, value=5)


def test_a_question_becomes_a_ticket_with_channels(offer, network, settings):
    order = market.confirmed(offer)
    question = {"support": {"orderId": str(order.pk), "descriptor": {"code": "SETTLEMENT_QUERY"}}}
    (channel,) = say("support", question, order)["support"]["channels"]
    ticket = Event.objects.get(type="order.questioned")
    assert (channel["@type"], channel["ticket"]) == ("WebChannel", str(ticket.pk))
    assert b"SETTLEMENT_QUERY" in bytes(ticket.payload)
    settings.BECKN_SUPPORT_EMAIL = "help@market.example"
    email, page = say("support", question, order)["support"]["channels"]
    assert (email["email"], page["@type"]) == ("help@market.example", "WebChannel")
    refused("BIZ_ORDER_NOT_FOUND", say, "support", question, order, by=RIVAL)
    refused("SCH_REQUIRED_FIELD_MISSING", say, "support", {"support": {}}, order)


def bought(offer) -> Any:
    """A purchase with the seller's terms, and the order behind it."""
    purchase, order = buyer.quoted(buyer.grid(), offer)
    buyer.told(purchase, "on_init", order_contract(order, seller=buyer.SELLER))
    purchase.contract_id = str(order.pk)
    purchase.save()
    return purchase, order


def test_the_buyer_asks_and_keeps_what_the_seller_said(offer, network):
    purchase, _ = bought(offer)
    for word, more in (("track", {}), ("rate", {"score": 4}), ("support", {"subject": "SETTLEMENT_QUERY"})):
        ask_seller(purchase=purchase, word=word, now=NOW, **more)
        (message,) = buyer.sent(word)
        schema.validate(message)
        assert message["context"]["transactionId"] == str(purchase.transaction_id)
    told = {"transactionId": str(purchase.transaction_id)}
    live = {
        "tracking": {
            "url": "https://s.example/1",
            "status": "ACTIVE",
            "trackingAttributes": {"deliveredKw": Decimal("12.5")},
        }
    }
    bap.ACTIONS["on_track"](Message("bap", "on_track", buyer.SELLER, told, live))
    error = {"errorCode": "BIZ_INVALID_RATING_VALUE", "errorMessage": "no"}
    bap.ACTIONS["on_rate"](Message("bap", "on_rate", buyer.SELLER, told, {"ratings": []}, error))
    before = purchase.state
    purchase.refresh_from_db()
    assert purchase.state == before
    assert exact(purchase.answers["on_track"]["message"]) == live
    assert purchase.answers["on_rate"]["error"] == error
    with pytest.raises(Refusal) as caught:
        bap.ACTIONS["on_track"](Message("bap", "on_track", "rival.example", told, live))
    assert caught.value.code == "CTX_TRANSACTION_ID_UNKNOWN"
    bap.on_undeliverable(Message("bap", "support", buyer.SELLER, told, {"support": {}}), "NET_CALLBACK_FAILED", "gone")
    purchase.refresh_from_db()
    assert purchase.answers["on_support"]["error"]["errorMessage"] == "gone"


def test_a_question_that_makes_no_sense_is_not_sent(offer, network):
    purchase, _ = buyer.quoted(buyer.grid(), offer)
    for arguments in ({"word": "track"}, {"word": "shout"}, {"word": "rate", "score": 6}):
        with pytest.raises(MarketError):
            ask_seller(purchase=purchase, now=NOW, **arguments)
    assert buyer.sent("track") == buyer.sent("rate") == []


def test_what_a_discovery_service_would_not_take_is_shown(db):
    results = [
        {"catalogId": "cat-a", "status": "ACCEPTED"},
        {"catalogId": "cat-b", "status": "REJECTED", "errors": [{"errorCode": "X", "errorMessage": "it is too long"}]},
    ]
    assert (
        bpp.ACTIONS["catalog/on_publish"](Message("bpp", "catalog/on_publish", "ds.example", {}, {"results": results}))
        is None
    )
    decision = AgentDecision.objects.get()
    assert "REJECTED to catalogue cat-b: it is too long" in decision.saw
