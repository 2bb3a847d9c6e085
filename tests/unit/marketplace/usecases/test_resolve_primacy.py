"""A site follows one of two instructions that contradict each other: by rule, with the reason kept and both buyers told."""

from __future__ import annotations

from decimal import Decimal

import pytest

from beckn.models import OutboxMessage
from beckn.wire import body
from marketplace.models import Activation, Event, Order, StackingRow
from marketplace.queries.sentences import sentence
from marketplace.rules.errors import MarketError
from marketplace.rules.stacking import Form
from marketplace.usecases import resolve_primacy
from marketplace.usecases.activate_schedules import activate_schedules
from marketplace.usecases.measure_delivery import instructed_beside
from marketplace.usecases.plan_site import dispatched_commitments
from marketplace.usecases.start_activations import start_activations
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.market import END, FIRST, GATE, NOW, RIVAL, SECOND

pytestmark = pytest.mark.usefixtures("network")


def both(site, **changes):
    """(an order to call, an order on schedule) whose services and directions the sale itself would have kept apart."""
    scheduled = market.quoted(market.offer(site, kw="100", product="NESO_DFS", **changes), kw="100", buyer=RIVAL)
    called = market.confirmed(market.offer(site))
    StackingRow.objects.create(
        site=site, order=market.moved(scheduled, "CONFIRMED"), service="NESO_DFS", direction=scheduled.offer.direction,
        form="JUMPING", start_at=FIRST, end_at=END, kw=100, created_at=NOW,
    )  # fmt: skip
    assert len(activate_schedules(now=GATE)) == 1
    return called, scheduled


def test_an_accepted_instruction_gives_way_to_one_that_goes_first(site):
    """The system operator's scheduled turn-up, and then the network's call for turn-down in the same half hours."""
    called, scheduled = both(site, direction="INCREASE")
    activation = market.dispatched(called, now=GATE)
    lost = Activation.objects.exclude(pk=activation.pk).get()
    assert (activation.state, lost.state) == ("ACTIVATION_ACCEPTED", "ACTIVATION_REJECTED")
    assert Order.objects.get(pk=scheduled.pk).state == "CONFIRMED"
    assert "the site follows DNO_OPERATIONAL and not NESO_DFS" in lost.refused_because
    assert "by the order of primacy (assumed: ENA" in lost.refused_because
    event = Event.objects.get(type="activation.gave_way")
    assert sentence(event.type, bytes(event.payload)).startswith("Dispatch schedule gave way. At 2024-01-16T17:00Z")
    told = body.parse(bytes(OutboxMessage.objects.get(action="on_update").raw))["message"]["contract"]["performance"][0]
    assert told["status"] == {"code": "ACTIVATION_REJECTED", "shortDesc": lost.refused_because}
    assert activate_schedules(now=GATE) == [], "what gave way is not tried again"


def test_what_is_under_way_stays_and_the_later_instruction_is_rejected(site):
    called, _ = both(site, direction="INCREASE")
    Activation.objects.update(start_at=GATE)
    start_activations(now=GATE)
    activation = market.dispatched(called, now=GATE)
    assert (activation.state, Order.objects.get(pk=called.pk).state) == ("ACTIVATION_REJECTED", "CONFIRMED")
    said = "At 2024-01-16T17:00Z the site follows NESO_DFS and not DNO_OPERATIONAL, which is instructed the other way"
    assert activation.refused_because.startswith(said)
    assert market.dispatched(called, now=GATE).pk == activation.pk


@pytest.mark.parametrize(("found", "states"), [({"JUMPING"}, 1), ({"JUMPING", "SPLITTING"}, 2)])
def test_services_that_exclude_each_other_are_never_both_instructed(site, monkeypatch, found, states):
    called, _ = both(site)
    monkeypatch.setattr(resolve_primacy, "forms", lambda *_: frozenset(Form(word) for word in found))
    market.dispatched(called, now=GATE)
    assert Activation.objects.filter(state="ACTIVATION_ACCEPTED").count() == states


def test_what_the_ledger_does_not_hold_is_not_instructed(offer):
    order = market.confirmed(offer)
    StackingRow.objects.update(kw=Decimal("399.999"))
    with pytest.raises(MarketError, match=r"where the site holds 399\.999 kW of this order for DNO_OPERATIONAL"):
        market.dispatched(order)
    assert not Activation.objects.exists()


def test_co_delivered_power_is_turned_down_once_and_counted_for_both(site):
    """400 kW for the network, 250 of them for the system operator too: the site goes down by 400 kW, not by 650."""
    scheduled, flexible = (market.offer(site, product=one) for one in ("SCHEDULED_UTILISATION", "NESO_DFS"))
    called = market.offer(site, kw="500")
    base = market.confirmed(scheduled)
    guest = market.confirmed(flexible, kw="250", buyer=RIVAL)
    other = market.confirmed(called, kw="100", buyer="third.example")
    market.dispatched(other, now=GATE)
    activate_schedules(now=GATE)
    assert [one.site_max_kw for one in dispatched_commitments(site, FIRST)] == [500, 500]
    found = {
        row.order_id: instructed_beside(row, [FIRST, SECOND])
        for row in Activation.objects.select_related("order__offer")
    }
    assert found[base.pk] == {FIRST: 50_000, SECOND: 50_000}
    assert found[guest.pk] == {FIRST: 50_000, SECOND: 50_000}
    assert found[other.pk] == {FIRST: 200_000, SECOND: 200_000}
