"""Capacity is reserved whole or not at all, and two buyers never get the same megawatts."""

from __future__ import annotations

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from marketplace.models import Offer, OfferPeriod, Order
from marketplace.rules.errors import MarketError
from marketplace.rules.order_state import InvalidTransitionError
from marketplace.usecases.cancel_order import cancel_order
from marketplace.usecases.confirm_order import confirm_order
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.conftest import events_of
from tests.unit.marketplace.usecases.market import BUYER, GATE, NOW, RIVAL, SECOND


def confirm(order, **changes):
    facts = {
        "transaction_id": order.transaction_id, "buyer_subscriber_id": order.buyer_subscriber_id,
        "agreed_pence": order.quote_pence, "now": NOW,
    }  # fmt: skip
    return confirm_order(**facts | changes)


def reserved(offer):
    return [row.reserved_kw for row in offer.periods.order_by("start_at")]


def test_confirming_reserves_every_period_and_says_so_once(offer, woken):
    order = confirm(market.initialised(offer, kw="150"))
    again = confirm(order)
    assert (order.state, order.confirmed_at, again.version) == ("CONFIRMED", NOW, order.version)
    assert reserved(offer) == [150, 150]
    assert events_of(f"order:{order.pk}") == ["order.confirmed"]
    assert [name.removeprefix("marketplace.agents.") for name, _ in woken] == [
        "optimisation.recertify",
        "coordination.tick",
    ]


def test_an_offer_sold_to_the_last_kilowatt_leaves_the_catalogue(offer):
    confirm(market.initialised(offer, kw="150"))
    assert Offer.objects.get().state == "PUBLISHED"
    confirm(market.initialised(offer, kw="250", buyer=RIVAL))
    assert Offer.objects.get().state == "SOLD"


def test_an_offer_sold_in_a_hundred_slices_is_sold_exactly(offer):
    """Fractions of a kilowatt add up in decimals on every database; SQLite's own sums are binary and end beside the mark."""
    OfferPeriod.objects.update(offered_kw=Decimal(604))
    orders = [market.initialised(offer, kw="6.04", buyer=f"buyer-{number}.example") for number in range(100)]
    for order in orders:
        confirm(order)
    assert reserved(offer) == [604, 604]
    assert Offer.objects.get().state == "SOLD"
    for order in orders:
        cancel_order(
            transaction_id=order.transaction_id, buyer_subscriber_id=order.buyer_subscriber_id, reason="", now=NOW
        )
    assert reserved(offer) == [0, 0]


def test_the_second_buyer_of_the_same_megawatts_is_refused_with_what_is_left(offer):
    mine, theirs = market.initialised(offer, kw="300"), market.initialised(offer, kw="200", buyer=RIVAL)
    confirm(mine)
    with pytest.raises(MarketError) as caught:
        confirm(theirs)
    assert caught.value.code == "BIZ_QUANTITY_UNAVAILABLE"
    assert caught.value.details["available_kw"] == "100"
    assert reserved(offer) == [300, 300]
    assert Order.objects.get(pk=theirs.pk).state == "INITIALISED"
    assert events_of(f"order:{theirs.pk}") == []


def test_one_full_period_refuses_the_whole_order(offer):
    OfferPeriod.objects.filter(start_at=SECOND).update(reserved_kw=350)
    with pytest.raises(MarketError) as caught:
        confirm(market_order := quoted_before_the_rush(offer))
    assert caught.value.details["start"] == "2024-01-16T17:30:00Z"
    assert reserved(offer) == [0, 350]
    assert Order.objects.get(pk=market_order.pk).state == "INITIALISED"


def quoted_before_the_rush(offer):
    """An order for 100 kW whose quote was given while there was still room."""
    OfferPeriod.objects.filter(start_at=SECOND).update(reserved_kw=0)
    order = market.initialised(offer, kw="100")
    OfferPeriod.objects.filter(start_at=SECOND).update(reserved_kw=350)
    return order


@pytest.mark.parametrize("agreed", [0, 9999, 10001])
def test_another_price_than_the_quote_is_refused(offer, agreed):
    order = market.initialised(offer)
    assert order.quote_pence == 10000
    with pytest.raises(MarketError) as caught:
        confirm(order, agreed_pence=agreed)
    assert caught.value.code == "BIZ_QUOTE_EXPIRED_OR_CHANGED"
    assert reserved(offer) == [0, 0]


def test_a_confirm_without_a_price_takes_the_quote(offer):
    assert confirm(market.initialised(offer), agreed_pence=None).state == "CONFIRMED"


@pytest.mark.parametrize(
    ("now", "code"),
    [(NOW + timedelta(minutes=30), "BIZ_QUOTE_EXPIRED_OR_CHANGED"), (GATE, "BIZ_FULFILLMENT_UNAVAILABLE")],
)
def test_a_late_confirm_is_refused(offer, now, code):
    order = market.initialised(offer)
    with pytest.raises(MarketError) as caught:
        confirm(order, now=now)
    assert caught.value.code == code
    assert reserved(offer) == [0, 0]


def test_what_was_withdrawn_meanwhile_is_not_sold(offer):
    """The seller may offer the same flexibility elsewhere as soon as it is withdrawn."""
    order = market.initialised(offer)
    Offer.objects.update(state=Offer.State.WITHDRAWN)
    with pytest.raises(MarketError) as caught:
        confirm(order)
    assert caught.value.code == "BIZ_QUANTITY_UNAVAILABLE"
    assert reserved(offer) == [0, 0]


def test_a_strangers_order_is_not_found(offer):
    with pytest.raises(MarketError) as caught:
        confirm(market.initialised(offer), buyer_subscriber_id=RIVAL)
    assert caught.value.code == "BIZ_ORDER_NOT_FOUND"


@pytest.mark.parametrize("state", ["DRAFT", "CANCELLED", "EXPIRED", "ACTIVE", "SETTLED"])
def test_only_final_terms_are_confirmed(offer, state):
    order = market.moved(market.quoted(offer), state)
    with pytest.raises(InvalidTransitionError):
        confirm(order)
    assert reserved(offer) == [0, 0]


def test_the_database_itself_refuses_to_oversell(offer):
    """Whatever the code above it does: the constraint is the last word on every engine."""
    with pytest.raises(IntegrityError), transaction.atomic():
        OfferPeriod.objects.filter(offer=offer).update(reserved_kw=Decimal("400.001"))
    with pytest.raises(IntegrityError), transaction.atomic():
        OfferPeriod.objects.filter(offer=offer).update(reserved_kw=-1)


@pytest.mark.django_db(transaction=True)
def test_buyers_at_the_same_moment_never_get_more_than_there_is():
    """Eight buyers confirm 100 kW each of 400 kW at once, from threads with their own connections: exactly four get it."""
    offer = market.offer(market.site())
    orders = [market.initialised(offer, kw="100", buyer=f"{BUYER}.{number}") for number in range(8)]
    outcomes, start = together(orders)
    start.wait()
    for thread in outcomes:
        thread.join()
    told = sorted(thread.outcome for thread in outcomes)
    assert told == ["BIZ_QUANTITY_UNAVAILABLE"] * 4 + ["CONFIRMED"] * 4
    assert reserved(offer) == [400, 400]
    assert Order.objects.filter(state="CONFIRMED").count() == 4
    assert Offer.objects.get().state == "SOLD"


class Buyer(threading.Thread):
    """Confirms one order when all the others are ready as well, and keeps what came of it."""

    def __init__(self, order, start):
        super().__init__()
        self.order, self.start_line, self.outcome = order, start, "nothing"

    def run(self):
        self.start_line.wait()
        try:
            self.outcome = str(confirm(self.order).state)
        except MarketError as problem:
            self.outcome = problem.code
        except Exception as problem:  # noqa: BLE001 - a fault must show as one, not as a hung test
            self.outcome = f"fault: {problem!r}"
        finally:
            connection.close()


def together(orders):
    """Threads that are all at the start line, and the line itself."""
    line = threading.Barrier(len(orders) + 1, timeout=30)
    threads = [Buyer(order, line) for order in orders]
    for thread in threads:
        thread.start()
    return threads, line
