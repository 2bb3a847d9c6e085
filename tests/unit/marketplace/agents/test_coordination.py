"""Time passes and the coordination agent moves what is due: gates, starts, statements, completions. It waits in words."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from flex_engine.settle.versions import due_at
from marketplace.agents import coordination
from marketplace.models import Activation, Lease, MeterReading, Offer, Order, SettlementProgress, SettlementStatement
from tests.unit.marketplace.agents.conftest import decisions
from tests.unit.marketplace.usecases import market, settled
from tests.unit.marketplace.usecases.market import END, FIRST, GATE, SECOND

pytestmark = pytest.mark.usefixtures("network")
DUE = {run: due_at(settled.DAY, run) for run in ("SF", "R1", "RF")}
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


def statements():
    return list(SettlementStatement.objects.order_by("sequence").values_list("run", "version", "reason"))


def test_runs_are_made_when_due_and_a_tick_that_was_lost_is_made_up_for(site, at, settings):
    """The reading of February is known after SF's day and before R1's, whenever the ticks come."""
    settings.CHAIN_RPC_URL = "none"
    settled.over(site, metered=METERED)
    at(END)
    coordination.tick()
    SettlementProgress.objects.update(next_due_at=END)
    coordination.tick()
    assert SettlementProgress.objects.get().next_due_at == DUE["SF"], "the calendar has the last word"
    market.metered(site, {FIRST: 300_000}, known_at=DUE["SF"] + timedelta(days=1))
    at(DUE["R1"] + timedelta(days=3))
    coordination.tick()
    assert statements() == [("II", 1, "RUN_DUE"), ("SF", 1, "RUN_DUE"), ("R1", 1, "RUN_DUE")]
    ii, sf, r1 = SettlementStatement.objects.order_by("sequence")
    assert (sf.delta_pence, sf.knowledge_time) == (0, DUE["SF"])
    assert r1.delta_pence == r1.amount_pence - ii.amount_pence < 0
    at(DUE["RF"])
    coordination.tick()
    coordination.tick()
    assert [run for run, _, _ in statements()] == ["II", "SF", "R1", "R2", "R3", "RF"]
    market.metered(site, {FIRST: 100_000}, known_at=DUE["RF"] + timedelta(days=1))
    at(DUE["RF"] + timedelta(days=1))
    coordination.tick()
    assert len(statements()) == 6, "RF closed it"
    assert (Order.objects.get().state, len(decisions("coordination"))) == ("SETTLED", 6)


def test_a_batch_of_revisions_makes_one_version(site, at, woken):
    settled.over(site, metered=METERED)
    at(END)
    coordination.tick()
    known = END + timedelta(hours=3)
    market.metered(site, {FIRST: 300_000, SECOND: 310_000, FIRST - timedelta(days=1): 5}, known_at=known)
    at(known)
    for _ in range(3):
        coordination.tick()
    assert statements() == [("II", 1, "RUN_DUE"), ("II", 2, "NEW_READINGS")]
    market.metered(site, {END: 1, FIRST - timedelta(days=90): 5}, known_at=known + timedelta(hours=1))
    at(known + timedelta(hours=1))
    coordination.tick()
    assert len(statements()) == 2
    assert decisions("coordination")[-1][0].startswith("settled run II, version 2, at £")


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


def test_one_schedule_that_fails_does_not_hold_up_the_next(monkeypatch, caplog):
    """The second order is activated though the first cannot be."""
    tried = []

    def activate(pk, *, now):
        tried.append((pk, now))
        if pk == "first":
            raise RuntimeError("no such peer")

    monkeypatch.setattr(coordination, "due_schedules", lambda *, now: ["first", "second"])
    monkeypatch.setattr(coordination, "activate_one", activate)
    coordination.activate_due(GATE)
    assert tried == [("first", GATE), ("second", GATE)]
    assert "order first could not be activated" in caplog.text
