"""Callbacks may repeat, come late or out of order, or come from a stranger: a purchase never goes back and never guesses."""

from __future__ import annotations

import itertools
import uuid

import pytest

from marketplace.models import Purchase, SearchResult
from marketplace.queries.seller_terms import seller_terms_of
from marketplace.rules.errors import MarketError
from marketplace.usecases.receive_answer import (
    AFTER_REFUSAL,
    ORDERED,
    give_up_search,
    receive_answer,
    receive_catalogue,
)
from marketplace.wire.contract import order_contract
from marketplace.wire.purchase import exact
from tests.unit.marketplace.usecases import buyer
from tests.unit.marketplace.usecases.market import NOW

pytestmark = pytest.mark.usefixtures("network")


@pytest.fixture
def deal(offer):
    """(purchase, the seller's contract) with a quote of £75."""
    purchase, order = buyer.quoted(buyer.grid(), offer)
    return purchase, order_contract(order, seller=buyer.SELLER)


def performing(contract, *codes):
    return contract | {"performance": [{"id": code, "status": {"code": code}} for code in codes]}


def test_a_quote_is_kept_with_its_amount(deal):
    purchase, _ = deal
    assert (purchase.state, purchase.quote_pence, purchase.refusal) == ("QUOTED", 7500, {})


@pytest.mark.parametrize(
    ("before", "action", "after"),
    [
        ("INITIALISING", "on_init", "INITIALISED"),
        ("CONFIRMING", "on_confirm", "CONFIRMED"),
        ("CONFIRMED", "on_cancel", "CANCELLED"),
        ("CONFIRMING", "on_cancel", "CANCELLED"),
    ],
)
def test_an_answer_moves_the_purchase_on_and_its_repeat_does_not(deal, before, action, after):
    purchase, contract = deal
    Purchase.objects.update(state=before)
    assert buyer.told(purchase, action, contract).state == after
    assert buyer.told(purchase, action, contract).state == after
    assert purchase.contract_id == contract["id"]


@pytest.mark.parametrize(
    ("state", "action"), list(itertools.product(Purchase.State.values, ["on_select", "on_init", "on_confirm"]))
)
def test_no_late_answer_takes_a_purchase_back(deal, state, action):
    purchase, contract = deal
    order = list(Purchase.State.values)
    Purchase.objects.update(state=state)
    assert order.index(buyer.told(purchase, action, contract).state) >= order.index(state)


def test_a_late_quote_does_not_change_the_price_that_was_agreed(deal):
    purchase, contract = deal
    Purchase.objects.update(state="CONFIRMED")
    contract["consideration"][0]["considerationAttributes"]["value"] = 9999
    assert buyer.told(purchase, "on_select", contract).quote_pence == 7500


def test_terms_at_another_price_than_the_quote_are_a_new_quote_and_not_accepted(deal):
    """A seller that raises the amount between quote and terms must be seen doing so."""
    purchase, contract = deal
    Purchase.objects.update(state="INITIALISING")
    contract["consideration"][0]["considerationAttributes"]["value"] = 99
    told = buyer.told(purchase, "on_init", contract)
    assert (told.state, told.quote_pence, told.refusal["code"]) == ("QUOTED", 9900, "BIZ_PRICE_MISMATCH")
    assert "9900 p" in told.refusal["message"]


@pytest.mark.parametrize("codes", list(itertools.permutations(["ACTIVATION_ACCEPTED", "DELIVERY_COMPLETE", "SETTLED"])))
def test_deliveries_reported_in_any_order_end_at_the_furthest(deal, codes):
    purchase, contract = deal
    Purchase.objects.update(state="DISPATCHING")
    for code in codes:
        buyer.told(purchase, "on_status", performing(contract, code))
    assert purchase.state == "SETTLED"


def test_a_rejected_dispatch_can_be_tried_again(deal):
    purchase, contract = deal
    Purchase.objects.update(state="DISPATCHING")
    assert buyer.told(purchase, "on_update", performing(contract, "ACTIVATION_REJECTED")).state == "CONFIRMED"


def test_news_of_a_delivery_does_not_move_what_was_never_ordered(deal):
    purchase, contract = deal
    for state in set(Purchase.State.values) - set(ORDERED):
        Purchase.objects.update(state=state)
        assert buyer.told(purchase, "on_status", performing(contract, "SETTLED")).state == state


@pytest.mark.parametrize("state", Purchase.State.values)
def test_a_refusal_is_kept_in_words_and_the_step_can_be_taken_again(deal, state):
    purchase, _ = deal
    Purchase.objects.update(state=state)
    error = {"code": "BIZ_QUANTITY_UNAVAILABLE", "message": "100 kW are left."}
    told = buyer.told(purchase, "on_confirm", {}, error=error)
    assert told.refusal == error
    assert told.state == AFTER_REFUSAL.get(Purchase.State(state), state)
    assert told.contract, "the last good contract stays"


@pytest.mark.parametrize("stranger", [True, False])
def test_an_answer_from_a_stranger_or_to_nothing_is_refused(deal, stranger):
    purchase, contract = deal
    with pytest.raises(MarketError) as caught:
        receive_answer(
            action="on_select", seller_subscriber_id="mallory.example" if stranger else buyer.SELLER,
            transaction_id=purchase.transaction_id if stranger else uuid.uuid4(), contract=contract, error=None, now=NOW,
        )  # fmt: skip
    assert caught.value.code == "CTX_TRANSACTION_ID_UNKNOWN"


@pytest.mark.parametrize("value", ["a lot", None, "75.001"])
def test_an_amount_that_is_none_is_refused_and_nothing_is_kept(deal, value):
    purchase, contract = deal
    Purchase.objects.update(state="QUOTING")
    contract["consideration"][0]["considerationAttributes"]["value"] = value
    with pytest.raises(MarketError):
        buyer.told(purchase, "on_select", contract)
    assert Purchase.objects.get().state == "QUOTING"


def search() -> SearchResult:
    return SearchResult.objects.create(organisation=buyer.grid(), transaction_id=uuid.uuid4(), requested_at=NOW)


def test_a_refused_search_keeps_the_reason_and_a_later_answer_takes_it_away():
    one = search()
    error = {"code": "SCH_INVALID_JSONPATH", "message": "That is no filter."}
    receive_catalogue(transaction_id=one.transaction_id, catalogs=[], error=error, now=NOW)
    one.refresh_from_db()
    assert (one.refusal, one.answered_at) == (error, NOW)
    receive_catalogue(transaction_id=one.transaction_id, catalogs=[{"id": "c"}], now=NOW)
    one.refresh_from_db()
    assert (one.refusal, one.catalogs) == ({}, [{"id": "c"}])


@pytest.mark.parametrize(
    ("details", "counts"),
    [
        ({"returned": 3, "matched": 7}, {"returned": 3, "matched": 7}),
        ({"returned": 7, "matched": 7}, {}),
        ({"returned": -1, "matched": 7}, {}),
        ({"returned": "3", "matched": 7}, {}),
        ({"returned": True, "matched": 7}, {}),
        ({"returned": 3}, {}),
        ({"returned": 3, "matched": 10**30}, {}),
        ("3 of 7", {}),
        (None, {}),
    ],
)
def test_how_many_of_how_many_came_is_kept_where_the_answer_says_so(details, counts):
    one = search()
    error = {"code": "BIZ_GENERIC_ERROR", "message": "Not all.", "details": details}
    receive_catalogue(transaction_id=one.transaction_id, catalogs=[{"id": "c"}], error=error, now=NOW)
    one.refresh_from_db()
    assert one.refusal == {"code": "BIZ_GENERIC_ERROR", "message": "Not all."} | counts


def test_an_answer_that_came_is_not_lost_to_a_message_that_was_given_up_later():
    one = search()
    receive_catalogue(transaction_id=one.transaction_id, catalogs=[{"id": "c"}], now=NOW)
    give_up_search(transaction_id=one.transaction_id, code="NET_TIMEOUT", text="late")
    one.refresh_from_db()
    assert one.refusal == {}


@pytest.mark.parametrize(
    ("then", "state", "refusal"),
    [
        ({"status": {"code": "ACTIVE"}}, "CONFIRMED", {}),
        (
            {"status": {"code": "CANCELLED"}, "descriptor": {"code": "DECLINED", "shortDesc": "Maintenance."}},
            "REFUSED",
            {"code": "DECLINED", "message": "Maintenance."},
        ),
    ],
)
def test_a_seller_who_asks_a_person_first_confirms_or_declines_later(deal, then, state, refusal):
    purchase, contract = deal
    Purchase.objects.update(state="CONFIRMING")
    waits = contract | {"descriptor": {"code": "PENDING_APPROVAL", "shortDesc": "The seller decides by 14:10."}}
    assert buyer.told(purchase, "on_confirm", waits).state == "CONFIRMING"
    assert buyer.told(purchase, "on_status", waits).state == "CONFIRMING"
    done = buyer.told(purchase, "on_status", contract | then)
    assert (done.state, done.refusal) == (state, refusal)


@pytest.mark.parametrize(("action", "state"), [("on_update", "CONFIRMED"), ("on_status", "ACTIVE")])
def test_a_dispatch_that_the_seller_takes_back_can_be_made_again(deal, action, state):
    """An on_status lists old dispatches too, so only the seller's own word on this one takes it back."""
    purchase, contract = deal
    Purchase.objects.update(state="ACTIVE")
    entry = {"id": "d-1", "status": {"code": "ACTIVATION_REJECTED", "shortDesc": "The network goes first."}}
    done = buyer.told(purchase, action, contract | {"performance": [entry]})
    assert done.state == state
    assert seller_terms_of(done, exact(done.contract), waiting=False).note == "The network goes first."
