"""A quote binds a price and reserves nothing; what cannot be sold is refused in words, never as a fault."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest

from marketplace.models import Offer, OfferPeriod, Order
from marketplace.rules.errors import MarketError
from marketplace.usecases.expire_offers import expire_offers
from marketplace.usecases.quote_order import quote_order, terms_digest
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.market import BUYER, FIRST, GATE, NOW, RIVAL, SECOND


def quote(offer, **changes):
    facts = {
        "offer_id": str(offer.pk), "buyer_subscriber_id": BUYER, "transaction_id": uuid.uuid4(), "kw": Decimal(300),
        "periods": None, "now": NOW,
    }  # fmt: skip
    return quote_order(**facts | changes)


def refused(code, offer, **changes):
    with pytest.raises(MarketError) as caught:
        quote(offer, **changes)
    assert caught.value.code == code
    assert caught.value.fix
    assert not Order.objects.exists()


def test_the_quote_is_energy_times_price_to_the_penny(offer):
    order = quote(offer)
    # 300 kW over two half hours are 300 kWh; at 25 p/kWh that is £75.
    assert (order.state, order.quote_pence) == ("DRAFT", 7500)
    assert {row.start_at: row.ordered_kw for row in order.periods.all()} == {FIRST: Decimal(300), SECOND: Decimal(300)}
    assert order.quote_expires_at == NOW + timedelta(minutes=30)


def test_half_a_penny_rounds_to_even(site):
    # 0.05 kWh at £0.25 are 1.25 p and stay 1 p; 0.7 kWh at £0.25 are 17.5 p and become 18 p.
    offer = market.offer(site)
    assert quote(offer, periods={FIRST: Decimal("0.1")}).quote_pence == 1
    assert quote(offer, periods={FIRST: Decimal("1.4")}).quote_pence == 18


def test_a_quote_never_outlives_the_gate(offer):
    order = quote(offer, now=GATE - timedelta(minutes=10))
    assert order.quote_expires_at == GATE


def test_a_quote_reserves_nothing(offer):
    quote(offer, kw=Decimal(400))
    quote(offer, kw=Decimal(400), buyer_subscriber_id=RIVAL)
    assert set(offer.periods.values_list("reserved_kw", flat=True)) == {Decimal(0)}


def test_asking_again_renews_the_same_draft(offer):
    first = quote(offer)
    again = quote(offer, transaction_id=first.transaction_id, kw=Decimal(200), now=NOW + timedelta(minutes=5))
    assert (again.pk, again.version, again.quote_pence) == (first.pk, first.version + 1, 5000)
    assert {row.ordered_kw for row in again.periods.all()} == {Decimal(200)}
    assert Order.objects.count() == 1


def test_a_strangers_transaction_cannot_be_quoted_over(offer):
    first = quote(offer)
    with pytest.raises(MarketError) as caught:
        quote(offer, transaction_id=first.transaction_id, buyer_subscriber_id=RIVAL)
    assert caught.value.code == "BIZ_ALREADY_CONFIRMED"
    assert Order.objects.get().buyer_subscriber_id == BUYER


def test_an_order_past_its_quote_is_not_quoted_again(offer):
    order = market.initialised(offer)
    with pytest.raises(MarketError) as caught:
        quote(offer, transaction_id=order.transaction_id)
    assert caught.value.code == "BIZ_ALREADY_CONFIRMED"


@pytest.mark.parametrize("identity", ["", "not-a-uuid", "00000000-0000-4000-8000-000000000000", "1; drop table"])
def test_an_unknown_offer_is_refused(offer, identity):
    refused("BIZ_OFFER_NOT_FOUND", offer, offer_id=identity)


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (Offer.State.DRAFT, "BIZ_OFFER_NOT_FOUND"),
        (Offer.State.WITHDRAWN, "BIZ_OFFER_NOT_FOUND"),
        (Offer.State.SOLD, "BIZ_QUANTITY_UNAVAILABLE"),
        (Offer.State.EXPIRED, "BIZ_QUANTITY_UNAVAILABLE"),
    ],
)
def test_only_an_offer_on_sale_is_quoted(offer, state, code):
    Offer.objects.update(state=state)
    refused(code, offer)


def test_at_gate_closure_nothing_is_quoted(offer):
    refused("BIZ_FULFILLMENT_UNAVAILABLE", offer, now=GATE)


@pytest.mark.parametrize("kw", ["0", "-1", "0.0004", "NaN", "Infinity", "400.001", "1e30"])
def test_a_quantity_that_cannot_be_sold_is_refused(offer, kw):
    refused("BIZ_QUANTITY_UNAVAILABLE", offer, kw=Decimal(kw))


@pytest.mark.parametrize(
    "periods", [{}, {FIRST - timedelta(minutes=30): Decimal(1)}, {FIRST: Decimal(1), SECOND: Decimal(401)}]
)
def test_periods_outside_the_offer_are_refused(offer, periods):
    refused("BIZ_QUANTITY_UNAVAILABLE", offer, periods=periods)


def test_the_terms_digest_changes_with_every_term(offer):
    asked = {FIRST: Decimal(300)}
    digests = {
        terms_digest(offer, asked),
        terms_digest(offer, {FIRST: Decimal(301)}),
        terms_digest(offer, {SECOND: Decimal(300)}),
    }
    for field, value in (
        ("utilisation_price_gbp_per_kwh", Decimal("0.2501")),
        ("shortfall_penalty_gbp_per_kwh", Decimal("0.1001")),
        ("baseline_method", "other"),
        ("notice_s", 901),
        ("free_cancellation_s", 60),
        ("cancellation_fee_percent", Decimal("0.01")),
    ):
        before = getattr(offer, field)
        setattr(offer, field, value)
        digests.add(terms_digest(offer, asked))
        setattr(offer, field, before)
    assert len(digests) == 9


def test_who_would_take_less_is_quoted_the_most_that_is_left(offer):
    """350 kW of the second half hour are sold: 300 kW asked for become 300 kW and 50 kW, which is 175 kWh."""
    OfferPeriod.objects.filter(start_at=SECOND).update(reserved_kw=350)
    refused("BIZ_QUANTITY_UNAVAILABLE", offer)
    order = quote(offer, accept_counter=True)
    assert {row.start_at: row.ordered_kw for row in order.periods.all()} == {FIRST: 300, SECOND: 50}
    assert order.quote_pence == 4375
    small = quote(offer, kw=Decimal(20), accept_counter=True)
    assert {row.ordered_kw for row in small.periods.all()} == {20}
    OfferPeriod.objects.filter(start_at=SECOND).update(reserved_kw=400)
    with pytest.raises(MarketError, match="Nothing is left for 2024-01-16T17:30Z"):
        quote(offer, accept_counter=True)


def test_a_quote_that_expired_is_not_taken_up_again(offer):
    order = market.quoted(offer)
    expire_offers(now=order.quote_expires_at)
    with pytest.raises(MarketError, match="in a new transaction") as caught:
        quote(offer, transaction_id=order.transaction_id)
    assert caught.value.code == "BIZ_QUOTE_EXPIRED_OR_CHANGED"
