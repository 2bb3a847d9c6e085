"""Time passes and the coordination agent moves what is due: gates, starts, statements, completions. It waits in words."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from marketplace.agents import coordination
from marketplace.models import Activation, Lease, MeterReading, Offer, Order, SettlementStatement
from tests.unit.marketplace.agents.conftest import decisions
from tests.unit.marketplace.usecases import market, settled
from tests.unit.marketplace.usecases.market import END, FIRST, GATE, SECOND

pytestmark = pytest.mark.usefixtures("network")
METERED = {FIRST: 240_000, SECOND: 260_000}


def test_the_day_of_an_order(site, at, settings):
    settings.CHAIN_RPC_URL = "none"
    idle = market.offer(market.site(site.organisation, "leeds-2"))
    settled.over(site, metered=METERED)
    at(GATE)
    coordination.tick()
    assert Offer.objects.get(pk=idle.pk).state == "EXPIRED"
    assert Activation.objects.get().state == "ACTIVATION_ACCEPTED"
    at(FIRST)
    coordination.tick()
    assert Activation.objects.get().state == "IN_PROGRESS"
    at(END)
    coordination.tick()
    assert (Order.objects.get().state, SettlementStatement.objects.count()) == ("SETTLED", 1)
    coordination.tick()
    assert SettlementStatement.objects.count() == 1
    assert len(decisions("coordination")) == 1


def test_missing_readings_are_waited_for_and_said_once(site, at):
    settled.over(site, metered=METERED)
    MeterReading.objects.filter(start_at=SECOND).delete()
    at(END)
    coordination.tick()
    coordination.tick()
    ((decided, why),) = decisions("coordination")
    assert decided == "waited"
    assert f"{SECOND:%Y-%m-%dT%H:%M}Z" in why
    market.metered(site, {SECOND: 260_000})
    coordination.tick()
    assert decisions("coordination")[-1][0].startswith("settled run II at £")


def test_one_activation_that_cannot_be_settled_does_not_hold_up_the_others(site, at, caplog):
    """The buyer of the first has left the registry: a fault, logged, tried again, and nobody else's problem."""
    settled.over(site, metered=METERED)
    Order.objects.update(buyer_subscriber_id="nobody.example")
    other = market.site(site.organisation, "leeds-2")
    settled.over(other, metered=METERED)
    at(END)
    coordination.tick()
    assert SettlementStatement.objects.get().activation.order.offer.site == other
    assert "could not be settled" in caplog.text


def test_a_statement_that_is_not_anchored_asks_for_anchoring(site, at, woken):
    settled.over(site, metered=METERED)
    at(END)
    coordination.tick()
    assert Order.objects.get().state == "DELIVERED"
    woken.clear()
    coordination.tick()
    assert woken == [("marketplace.agents.housekeeping.anchor", {})]


def test_while_another_process_holds_the_duty_nothing_is_done(site, at):
    settled.over(site, metered=METERED)
    Lease.objects.create(name="coordination", holder="other", until=timezone.now() + timedelta(minutes=1))
    at(END)
    coordination.tick()
    assert not SettlementStatement.objects.exists()
