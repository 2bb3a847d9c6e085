"""A statement is right to the penny by a second calculation, is made once, and waits rather than guess."""

from __future__ import annotations

from datetime import timedelta

import pytest

from beckn.models import OutboxMessage
from beckn.wire import body
from flex_engine.settle.effective import rows_of
from marketplace.models import Activation, MeterReading, Order, SettlementStatement
from marketplace.rules.errors import MarketError
from marketplace.usecases.measure_delivery import LOOKAHEAD
from marketplace.usecases.settle_activation import settle_activation
from tests.unit.marketplace.usecases import market, settled
from tests.unit.marketplace.usecases.conftest import events_of
from tests.unit.marketplace.usecases.market import BUYER, END, FIRST, HALF_HOUR, NOW, RIVAL, SECOND, instruction

pytestmark = pytest.mark.usefixtures("network")
# Half hours a meter could show: full delivery with some to spare, half of it, none, and drawing more than ever.
METERED = [
    {FIRST: 200_000, SECOND: 220_000},
    {FIRST: 330_001, SECOND: 349_999},
    {FIRST: 448_000, SECOND: 240_000},
    {FIRST: 700_000, SECOND: 650_000},
]


def settle(activation, *, now=END):
    return settle_activation(activation=activation, now=now)


@pytest.mark.parametrize("metered", METERED)
def test_the_amount_is_what_a_second_calculation_finds(site, metered):
    statement = settle(settled.over(site, metered=metered))
    readings = settled.history() | metered
    payment, penalty = settled.amounts_pence(readings, instructed_wh=200_000)
    assert (statement.payment_pence, statement.penalty_pence) == (payment, penalty)
    assert statement.amount_pence == payment - penalty
    assert {line.start_at: line.baseline_wh for line in statement.lines.all()} == settled.baseline_wh(readings)
    for line in statement.lines.all():
        assert line.metered_wh == metered[line.start_at]
        assert line.delivered_wh == max(0, line.baseline_wh - line.metered_wh)
        assert line.eligible_wh + line.shortfall_wh == line.instructed_wh == 200_000


def test_the_lines_carry_their_settlement_periods(site):
    statement = settle(settled.over(site, metered=METERED[0]))
    found = [(line.settlement_date, line.settlement_period) for line in statement.lines.order_by("start_at")]
    assert found == [(settled.DAY, 35), (settled.DAY, 36)]


def test_order_activation_event_and_message_move_together_and_once(site, woken):
    activation = settled.over(site, metered=METERED[0])
    statement = settle(activation)
    assert settle(activation, now=END + timedelta(days=9)).pk == statement.pk
    order = Order.objects.get()
    assert (order.state, Activation.objects.get().state) == ("DELIVERED", "DELIVERY_COMPLETE")
    assert events_of(f"order:{order.pk}") == ["order.confirmed", "settlement.statement"]
    message = OutboxMessage.objects.get()
    assert (message.role, message.action, message.to) == ("bpp", "on_status", BUYER)
    (entry,) = body.parse(bytes(message.raw))["message"]["contract"]["performance"]
    assert entry["status"]["code"] == "DELIVERY_COMPLETE"
    assert woken[-1] == ("marketplace.agents.housekeeping.anchor", {})


def test_before_the_window_is_over_nothing_is_settled(site):
    activation = settled.over(site, metered=METERED[0])
    with pytest.raises(MarketError) as caught:
        settle(activation, now=END - timedelta(seconds=1))
    assert caught.value.code == "NOT_OVER"


@pytest.mark.parametrize("missing", [FIRST, SECOND, FIRST - 3 * HALF_HOUR])
def test_a_missing_reading_is_named_and_never_taken_as_zero(site, missing):
    activation = settled.over(site, metered=METERED[0])
    MeterReading.objects.filter(start_at=missing).delete()
    with pytest.raises(MarketError) as caught:
        settle(activation)
    assert caught.value.code == "READINGS_MISSING"
    assert f"{missing:%Y-%m-%dT%H:%M}Z" in caught.value.message
    assert not SettlementStatement.objects.exists()
    assert Order.objects.get().state == "ACTIVE"


def test_too_short_a_history_waits(site):
    activation = market.dispatched(market.confirmed(market.offer(site)))
    market.metered(site, settled.history(days=6))
    with pytest.raises(MarketError) as caught:
        settle(activation)
    assert "10 working days" in caught.value.message


def test_a_reading_that_was_not_known_yet_is_not_used(site):
    activation = settled.over(site, metered=METERED[0])
    MeterReading.objects.filter(start_at=SECOND).update(known_at=END + timedelta(hours=1))
    with pytest.raises(MarketError):
        settle(activation, now=END + timedelta(minutes=59))
    assert settle(activation, now=END + timedelta(hours=1)).delivered_wh > 0


def test_the_latest_revision_counts(site):
    activation = settled.over(site, metered=METERED[0])
    market.metered(site, {FIRST: 123_456}, known_at=END + timedelta(minutes=1))
    statement = settle(activation, now=END + timedelta(minutes=2))
    assert statement.lines.get(start_at=FIRST).metered_wh == 123_456


def test_one_simulated_reading_labels_the_statement(site):
    measured = settle(settled.over(site, metered=METERED[0]))
    assert measured.label == "MEASURED"
    other = market.site(site.organisation, "leeds-2")
    activation = settled.over(other, metered=METERED[0])
    MeterReading.objects.filter(site=other, start_at=FIRST).update(label="SIMULATED")
    assert settle(activation).label == "SIMULATED"


def test_a_day_with_another_dispatch_is_left_out_of_the_baseline(site):
    """Otherwise each turn-down would lower the baseline of the next, and a reliable seller would be paid less and less."""
    event = FIRST - timedelta(days=4)
    earlier = market.offer(site, start=event, plan=market.plan(site, start=event - timedelta(hours=4)))
    market.dispatched(
        market.confirmed(earlier, now=event - timedelta(hours=4)),
        instruction("400", event, event + HALF_HOUR),
        now=event - timedelta(hours=4),
    )
    market.plan(site)
    metered = METERED[0] | {event: 1_000, event + HALF_HOUR: 1_000}
    statement = settle(settled.over(site, metered=metered))
    found = {line.start_at: line.baseline_wh for line in statement.lines.all()}
    assert found == settled.baseline_wh(settled.history() | metered, events=[event.date()])


def test_two_buyers_of_one_window_share_what_the_meter_shows(site):
    """400 kW are sold as 300 and 100; the site turns down half of it. Nothing is paid twice, and no Wh is invented."""
    offer = market.offer(site)
    mine, theirs = market.confirmed(offer, kw="300"), market.confirmed(offer, kw="100", buyer=RIVAL)
    activations = [market.dispatched(mine, instruction("300")), market.dispatched(theirs, instruction("100"))]
    metered = {FIRST: 350_000, SECOND: 350_000}
    market.metered(site, settled.history() | metered)
    large, small = (settle(activation) for activation in activations)
    for line in large.lines.all():
        shown = settled.baseline_wh(settled.history() | metered)[line.start_at] - 350_000
        beside = small.lines.get(start_at=line.start_at)
        assert (line.delivered_wh, beside.delivered_wh) == (shown * 3 // 4, shown // 4)
        assert line.delivered_wh + beside.delivered_wh <= shown
    assert large.shortfall_wh + small.shortfall_wh > 0


def test_an_order_dispatched_in_two_parts_is_delivered_with_the_second(site):
    order = market.confirmed(market.offer(site))
    early = market.dispatched(order, instruction("400", FIRST, identity="a"))
    late = market.dispatched(order, instruction("400", SECOND, identity="b"))
    market.metered(site, settled.history() | METERED[0], known_at=NOW)
    settle(early, now=SECOND)
    assert Order.objects.get().state == "ACTIVE"
    settle(late)
    assert Order.objects.get().state == "DELIVERED"
    assert SettlementStatement.objects.count() == 2


def test_without_the_buyer_in_the_registry_nothing_is_half_done(site):
    """The message is part of the settlement: if it cannot even be stored, the statement is not made either."""
    activation = settled.over(site, metered=METERED[0])
    Order.objects.update(buyer_subscriber_id="nobody.example")
    with pytest.raises(LookupError):
        settle(activation)
    assert (SettlementStatement.objects.count(), Activation.objects.get().state) == (0, "ACTIVATION_ACCEPTED")


def test_a_baseline_of_before_and_after_waits_for_the_hour_after(site):
    """The line from 500 kWh in the half hours before to 700 in those after; the meter drew 300."""
    offer = market.offer(site, baseline_method="before-after-v1")
    activation = market.dispatched(market.confirmed(offer))
    around = {FIRST - 2 * HALF_HOUR: 500_000, FIRST - HALF_HOUR: 500_000, FIRST: 300_000, SECOND: 300_000}
    market.metered(site, around)
    with pytest.raises(MarketError) as caught:
        settle(activation)
    assert caught.value.code == "READINGS_MISSING"
    later = END + 2 * HALF_HOUR
    market.metered(site, {END: 700_000, END + HALF_HOUR: 700_000}, known_at=later)
    lines = settle(activation, now=later).lines.order_by("start_at")
    assert [line.baseline_wh for line in lines] == [575_000, 625_000]


def test_no_baseline_looks_further_than_the_readings_that_are_fetched():
    for row in rows_of("baseline_methods"):
        numbers = row.values["parameters"]
        assert (numbers.get("after_periods", 0) + numbers.get("gap_periods", 0)) * HALF_HOUR <= LOOKAHEAD
