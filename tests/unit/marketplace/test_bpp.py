"""The seller's door: one conversation from the first question to a dispatch, and every no in the network's own words."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from beckn.ports import Message, Refusal
from beckn.wire import body
from marketplace import bpp, clock
from marketplace.models import Activation, Event, MeterReading, Offer, OfferPeriod, Order
from marketplace.wire.activation import flex_activation
from marketplace.wire.purchase import find_offer, select_message
from tests.unit.marketplace.usecases.conftest import network, offer, owner, site
from tests.unit.marketplace.usecases.market import BUYER, FIRST, NOW, RIVAL, SECOND

__all__ = ["network", "offer", "owner", "site"]


@pytest.fixture(autouse=True)
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set the market's clock; it stands at NOW until then."""
    moment = [NOW]
    monkeypatch.setattr(clock, "now", lambda: moment[0])
    return lambda when: moment.__setitem__(0, when)


class Talk:
    """A buyer's transaction with the seller, message by message, as the wire would carry it."""

    def __init__(self, buyer: str = BUYER) -> None:
        self.buyer, self.transaction = buyer, str(uuid.uuid4())

    def say(self, action: str, message: dict[str, Any]) -> dict[str, Any]:
        """The answer's message, through bytes both ways."""
        told = body.parse(body.dump({"message": message}))["message"]
        context = {"transactionId": self.transaction, "action": action}
        reply = bpp.ACTIONS[action](Message("bpp", action, self.buyer, context, told, digest=f"digest of {action}"))
        assert reply is not None
        return dict(body.parse(body.dump({"message": reply.message}))["message"])

    def contract(self, action: str, contract: dict[str, Any]) -> dict[str, Any]:
        """Say `action` about a contract; the contract that comes back."""
        return dict(self.say(action, {"contract": contract})["contract"])

    def quoted(self, kw: str = "300", **more: Any) -> dict[str, Any]:
        """Search and select."""
        found = self.say("discover", {"intent": {}})["catalogs"]
        identity = found[0]["offers"][0]["id"]
        chosen, resource, seller = find_offer(found, identity)
        asked = select_message(
            offer=chosen, resource_id=resource, kw=Decimal(kw), buyer=self.buyer, seller=seller, **more
        )
        return dict(self.say("select", asked)["contract"])

    def confirmed(self, kw: str = "300") -> dict[str, Any]:
        """Up to the sale."""
        return self.contract("confirm", self.contract("init", self.quoted(kw)))

    def dispatch(self, contract: dict[str, Any], kw: str = "300") -> dict[str, Any]:
        """Dispatch `kw` in both half hours."""
        given = flex_activation(
            instruction_id="d-1", mechanism="P415", requested_kw=dict.fromkeys((FIRST, SECOND), Decimal(kw)), issued_at=NOW,
            ack_by=NOW + timedelta(minutes=5), meter="msid-1",
        )  # fmt: skip
        entry = {"id": "d-1", "status": {"code": "ACTIVATION_REQUESTED"}, "performanceAttributes": given}
        return self.contract("update", contract | {"performance": [entry]})


def refused(code: str, action: Any, *arguments: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        action(*arguments)
    assert caught.value.code == code
    assert len(caught.value.message) > 20
    return caught.value


def test_a_conversation_ends_in_a_dispatch(offer):
    talk = Talk()
    quote = talk.quoted()
    assert "id" not in quote, "a quote has no id yet"
    assert quote["consideration"][0]["considerationAttributes"]["value"] == 75
    terms = talk.contract("init", quote)
    sold = talk.contract("confirm", terms)
    assert sold["id"] == terms["id"] == str(Order.objects.get().pk)
    assert (terms["status"]["code"], sold["status"]["code"]) == ("DRAFT", "ACTIVE")
    (entry,) = talk.dispatch(sold)["performance"]
    assert entry["status"]["code"] == "ACTIVATION_ACCEPTED"
    assert entry["performanceAttributes"]["settlementPeriods"] == [35, 36]
    (seen,) = talk.contract("status", sold)["performance"]
    assert (seen["id"], seen["status"]["code"]) == ("d-1", "ACTIVATION_ACCEPTED")
    assert {row.requested_kw for row in Activation.objects.get().periods.all()} == {Decimal(300)}
    events = Event.objects.filter(type__in=["order.confirmed", "activation.accepted"]).order_by("pk")
    named = [json.loads(bytes(one.payload))["request_blake2b512"] for one in events]
    assert named == ["digest of confirm", "digest of update"], "the log names the signed requests it follows from"


def test_a_buyer_s_readings_are_not_taken(offer):
    talk = Talk()
    sold = talk.confirmed()
    told = {"@type": "DemandFlexPerformance", "meters": [{"meterId": "msid-1"}]}
    entry = {"id": "d-1", "status": {"code": "DELIVERY_COMPLETE"}, "performanceAttributes": told}
    answer = refused("BIZ_INVALID_UPDATE_TARGET", talk.contract, "update", sold | {"performance": [entry]})
    assert "meter readings" in answer.message
    assert not MeterReading.objects.exists()


@pytest.mark.parametrize("action", ["init", "confirm", "status", "cancel"])
def test_saying_it_twice_is_saying_it_once(offer, action):
    talk = Talk()
    contract = talk.confirmed() if action in {"status", "cancel"} else talk.quoted()
    if action == "confirm":
        contract = talk.contract("init", contract)
    assert talk.contract(action, contract) == talk.contract(action, contract)
    assert Order.objects.count() == 1


def test_the_catalogue_shows_what_is_left_and_only_what_can_be_ordered(offer, at):
    Talk().confirmed("150")
    (catalogue,) = Talk().say("discover", {"intent": {}})["catalogs"]
    assert catalogue["resources"][0]["resourceAttributes"]["maxCapacityKw"] == 250
    Talk(RIVAL).confirmed("250")
    assert Talk().say("discover", {"intent": {}})["catalogs"] == []
    OfferPeriod.objects.update(reserved_kw=0)
    Offer.objects.update(state=Offer.State.PUBLISHED)
    at(offer.gate_closure_at)
    assert Talk().say("discover", {"intent": {}})["catalogs"] == []


def test_the_second_buyer_is_told_how_much_is_left(offer):
    first, second = Talk(), Talk(RIVAL)
    terms = second.contract("init", second.quoted("200"))
    first.confirmed("300")
    told = refused("BIZ_QUANTITY_UNAVAILABLE", second.contract, "confirm", terms)
    assert told.details["available_kw"] == "100"


def test_more_than_is_left_is_countered_only_for_a_buyer_who_says_that_less_will_do(offer):
    Talk(RIVAL).confirmed("150")
    told = refused("BIZ_QUANTITY_UNAVAILABLE", Talk().quoted, "300")
    assert told.details["available_kw"] == "250"
    talk = Talk()
    contract = talk.quoted("300", accept_counter=True)
    (commitment,) = contract["commitments"]
    assert commitment["resources"][0]["quantity"]["unitQuantity"] == 250
    assert commitment["offer"]["validity"]["endDate"] == "2024-01-16T13:40:00Z"
    assert contract["consideration"][0]["considerationAttributes"]["value"] == Decimal("62.5")
    assert talk.contract("confirm", talk.contract("init", contract))["status"]["code"] == "ACTIVE"


def test_what_cancelling_costs_is_in_the_catalogue_in_the_quote_and_in_the_answer(offer, at):
    Offer.objects.update(free_cancellation_s=3600, cancellation_fee_percent=Decimal("12.5"))
    talk = Talk()
    terms = {"freeUntil": "2024-01-16T16:00:00Z", "feePercent": Decimal("12.5")}
    found = talk.say("discover", {"intent": {}})["catalogs"][0]["offers"][0]
    sold = talk.confirmed("300")
    for shown in (found, sold["commitments"][0]["offer"]):
        assert shown["offerAttributes"]["inputs"][0]["inputs"]["cancellation"] == terms
    at(FIRST - timedelta(hours=1))
    price = talk.contract("cancel", sold)["consideration"][0]["considerationAttributes"]
    assert (price["value"], price["components"][0]["type"]) == (Decimal("9.38"), "CANCELLATION_FEE")


def test_a_price_nobody_quoted_is_refused(offer):
    talk = Talk()
    terms = talk.contract("init", talk.quoted())
    terms["consideration"][0]["considerationAttributes"]["value"] = Decimal("0.01")
    refused("BIZ_QUOTE_EXPIRED_OR_CHANGED", talk.contract, "confirm", terms)


def test_too_late_for_a_dispatch(offer, at):
    talk = Talk()
    sold = talk.confirmed()
    at(FIRST - timedelta(minutes=14))
    refused("BIZ_FULFILLMENT_UNAVAILABLE", talk.dispatch, sold)


def test_a_strangers_order_cannot_be_seen_or_touched(offer):
    talk = Talk()
    sold = talk.confirmed()
    stranger = Talk(RIVAL)
    stranger.transaction = talk.transaction
    for action in ("status", "cancel", "confirm", "init"):
        refused("BIZ_ORDER_NOT_FOUND", stranger.contract, action, sold)


def test_after_a_dispatch_there_is_no_way_back(offer):
    talk = Talk()
    sold = talk.confirmed()
    talk.dispatch(sold)
    refused("POL_CANCELLATION_NOT_ALLOWED", talk.contract, "cancel", sold)
    refused("BIZ_INVALID_STATE_TRANSITION", talk.contract, "confirm", sold)


@pytest.mark.parametrize(
    ("contract", "code"),
    [
        ({}, "SCH_REQUIRED_FIELD_MISSING"),
        ({"commitments": []}, "SCH_REQUIRED_FIELD_MISSING"),
        ({"commitments": [{"resources": [{"quantity": {"unitQuantity": "many"}}], "offer": {"id": "x"}}]}, "SCH_REQUIRED_FIELD_MISSING"),
        ({"commitments": [{"resources": [{"quantity": {"unitQuantity": 1, "unitCode": "MWh"}}], "offer": {"id": "x"}}]}, "SCH_INVALID_ENUM"),
        ({"commitments": [{"resources": [{"quantity": {"unitQuantity": 1}}], "offer": {"id": "x"}}]}, "BIZ_OFFER_NOT_FOUND"),
    ],
)  # fmt: skip
def test_a_select_that_cannot_be_read_is_refused_in_words(offer, contract, code):
    refused(code, Talk().contract, "select", contract)


@pytest.mark.parametrize(
    "performance",
    [[], [{"status": {"code": "ACTIVATION_REQUESTED"}}] * 2, [{"status": {"code": "ACTIVATION_REQUESTED"}}]],
)
def test_an_update_that_is_no_dispatch_is_refused_in_words(offer, performance):
    talk = Talk()
    sold = talk.confirmed()
    refused("BIZ_INVALID_UPDATE_TARGET", talk.contract, "update", sold | {"performance": performance})
    assert not Activation.objects.exists()
