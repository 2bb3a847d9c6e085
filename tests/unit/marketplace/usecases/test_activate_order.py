"""A dispatch stays inside what was ordered, gives its notice, and is accepted once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from marketplace.models import Activation, Offer, Order, Site
from marketplace.rules.errors import MarketError
from marketplace.rules.order_state import InvalidTransitionError
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.conftest import events_of
from tests.unit.marketplace.usecases.market import BUYER, END, FIRST, HALF_HOUR, NOW, RIVAL, SECOND, instruction


@pytest.fixture
def order(offer):
    return market.confirmed(offer, kw="300")


def refused(code, order, given, *, now=NOW):
    before = Activation.objects.count()
    with pytest.raises(MarketError) as caught:
        market.dispatched(order, given, now=now)
    assert caught.value.code == code
    assert Activation.objects.count() == before


def test_an_accepted_dispatch_is_a_limit_the_site_must_now_plan_under(order, site, woken):
    activation = market.dispatched(order, instruction("300"))
    assert (activation.state, activation.start_at, activation.end_at) == ("ACTIVATION_ACCEPTED", FIRST, END)
    rows = list(activation.periods.order_by("start_at").values_list("start_at", "requested_kw", "declared_kw"))
    assert rows == [(FIRST, Decimal(300), Decimal(1000)), (SECOND, Decimal(300), Decimal(1000))]
    assert Order.objects.get().state == "ACTIVE"
    assert Site.objects.get().replan_requested_at == NOW
    assert ("marketplace.agents.optimisation.plan", {"site_id": site.pk}) in woken
    assert events_of(f"activation:{activation.pk}") == ["activation.accepted"]


def test_the_same_instruction_again_is_the_same_activation(order):
    first = market.dispatched(order, instruction("300"))
    assert market.dispatched(order, instruction("300")).pk == first.pk
    assert market.dispatched(order, instruction("100"), now=END).pk == first.pk, (
        "known by its id, however late it repeats"
    )
    assert events_of(f"activation:{first.pk}") == ["activation.accepted"]


def test_an_order_can_be_dispatched_in_parts_but_never_beyond_itself(order):
    market.dispatched(order, instruction("200", FIRST, identity="a"))
    market.dispatched(order, instruction("100", FIRST, identity="b"))
    refused("BIZ_INVALID_UPDATE_TARGET", order, instruction("1", FIRST, identity="c"))
    market.dispatched(order, instruction("300", SECOND, identity="d"))
    assert Activation.objects.count() == 3


@pytest.mark.parametrize("kw", ["0", "-5", "300.001"])
def test_more_than_ordered_or_nothing_is_refused(order, kw):
    refused("BIZ_QUANTITY_UNAVAILABLE", order, instruction(kw))


def test_a_half_hour_that_was_not_ordered_is_refused(order):
    refused("BIZ_INVALID_UPDATE_TARGET", order, instruction("100", FIRST, END))


def test_the_agreed_notice_is_kept_to_the_second(order):
    last = FIRST - timedelta(seconds=order.offer.notice_s)
    refused("BIZ_FULFILLMENT_UNAVAILABLE", order, instruction("300"), now=last + timedelta(seconds=1))
    assert market.dispatched(order, instruction("300"), now=last).state == "ACTIVATION_ACCEPTED"


@pytest.mark.parametrize("state", ["DRAFT", "INITIALISED", "CANCELLED", "EXPIRED", "DELIVERED", "SETTLED"])
def test_only_a_confirmed_order_is_dispatched(offer, state):
    order = market.moved(market.quoted(offer, kw="300"), state)
    with pytest.raises(InvalidTransitionError):
        market.dispatched(order, instruction("300"))
    assert not Activation.objects.exists()


def test_a_stranger_cannot_dispatch(order):
    order.buyer_subscriber_id = RIVAL
    refused("BIZ_ORDER_NOT_FOUND", order, instruction("300"))


def test_two_buyers_of_one_window_are_one_event_for_the_site(offer, order):
    """Each has paid for its share, so each can call it: the site turns down once, by the sum."""
    other = market.confirmed(offer, kw="100", buyer=RIVAL)
    market.dispatched(order, instruction("300"))
    assert market.dispatched(other, instruction("100", SECOND)).state == "ACTIVATION_ACCEPTED"


def test_a_second_event_on_the_same_day_is_beyond_the_limit(site):
    offer = market.offer(site, periods=4)
    mine, theirs = market.confirmed(offer, kw="200"), market.confirmed(offer, kw="200", buyer=RIVAL)
    market.dispatched(mine, instruction("200", FIRST))
    refused("POL_NP_CAPACITY_EXCEEDED", theirs, instruction("200", FIRST + 3 * HALF_HOUR))
    Offer.objects.update(max_events_per_day=2)
    assert market.dispatched(theirs, instruction("200", FIRST + 3 * HALF_HOUR)).state == "ACTIVATION_ACCEPTED"


def test_the_declared_load_is_that_of_the_certified_plan_and_not_of_a_later_one(order, site):
    market.plan(site, load_kw=777.0)
    activation = market.dispatched(order, instruction("300"))
    assert {row.declared_kw for row in activation.periods.all()} == {Decimal(1000)}
    assert order.buyer_subscriber_id == BUYER


def test_a_reference_below_the_plan_is_what_a_dispatch_turns_down_from(order, offer):
    offer.certificate = offer.certificate | {"reference_kw": ["640.5", "700"]}
    offer.save(update_fields=["certificate"])
    activation = market.dispatched(order, instruction("300"))
    rows = list(activation.periods.order_by("start_at").values_list("declared_kw", flat=True))
    assert rows == [Decimal("640.5"), Decimal(700)]
