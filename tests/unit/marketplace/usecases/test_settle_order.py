"""An order that no dispatch was under is settled by its terms: for standing ready, or for being cancelled late."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from beckn.models import OutboxMessage
from beckn.wire import body, schema
from flex_engine.settle.versions import due_at
from marketplace.agents.settling import complete_due, settle_due, settle_runs
from marketplace.ledger.verify_money import money_check
from marketplace.ledger.verify_settlements import statements_check
from marketplace.models import Activation, AgentDecision, Event, Offer, Order, SettlementProgress, SettlementStatement
from marketplace.queries.sentences import sentence
from marketplace.queries.statement_json import statement_document
from marketplace.queries.statement_page import statement_page
from marketplace.rules.errors import MarketError
from marketplace.usecases.anchor_events import anchor_events
from marketplace.usecases.cancel_order import cancel_order
from marketplace.usecases.receive_answer import next_state
from marketplace.usecases.record_settlements import record_settlements
from marketplace.usecases.resettle import resettle
from marketplace.usecases.settle_activation import settle_activation
from marketplace.usecases.settle_order import settle_order
from tests.unit.marketplace.usecases import market, settled
from tests.unit.marketplace.usecases.conftest import events_of
from tests.unit.marketplace.usecases.market import END, FIRST, GATE, NOW, SECOND
from tests.unit.marketplace.usecases.test_price_delivery import PARTLY, READY

pytestmark = pytest.mark.usefixtures("network")
SF = due_at(settled.DAY, "SF")


def on_call(site, *, product=READY) -> Order:
    """400 kW for an hour under a product that pays £21.40 for a MW and hour of standing ready; nobody calls it."""
    order = market.confirmed(market.offer(site, product=product))
    Order.objects.filter(pk=order.pk).update(availability_price_gbp_per_mw_h=Decimal("21.4"))
    return order


def cancelled_late(site, *, at=GATE) -> Order:
    """An order that costs 7.13 pounds to cancel from an hour before its gate on, cancelled."""
    order = market.confirmed(market.offer(site))
    Order.objects.filter(pk=order.pk).update(
        cancellation_fee_pence=713, free_cancellation_until=GATE - timedelta(hours=1)
    )
    return cancel_order(
        transaction_id=order.transaction_id, buyer_subscriber_id=market.BUYER, reason="CHANGED_PLANS", now=at
    )


def only() -> SettlementStatement:
    return SettlementStatement.objects.get()


def told() -> list[tuple[str, dict]]:
    """(action, contract) of every message, oldest first; each fits the network's schema."""
    found = [body.parse(bytes(row.raw)) for row in OutboxMessage.objects.order_by("pk")]
    for message in found:
        schema.validate(message)
    return [(one["context"]["action"], one["message"]["contract"]) for one in found]


def document(statement) -> dict:
    return statement_document(statement_page(statement, None, END), statement)


def test_an_order_that_was_never_called_is_paid_for_standing_ready(site, settings):
    settings.CHAIN_RPC_URL = "none"
    order = on_call(site)
    settle_due(END - timedelta(seconds=1))
    assert not SettlementStatement.objects.exists(), "it can still be called"
    settle_due(END)
    settle_due(END)
    statement, order = only(), Order.objects.get()
    assert [(part["type"], part["pence"]) for part in statement.components] == [("AVAILABILITY", 856)]
    assert (statement.order, statement.activation, statement.amount_pence) == (order, None, 856)
    assert (statement.start_at, statement.end_at, statement.label) == (FIRST, END, "AGREED")
    assert statement.vat == {"net_pence": 856, "rate": "0.20", "vat_pence": 171, "gross_pence": 1027}
    assert order.state == "DELIVERED"
    complete_due(END)
    assert Order.objects.get().state == "SETTLED"
    assert events_of(f"order:{order.pk}") == ["order.confirmed", "settlement.statement", "order.settled"]
    (_, first), (_, last) = told()
    assert first["settlements"][0]["settlementAttributes"]["auditTrail"] == {"state": "WAITING"}
    assert last["consideration"][0]["considerationAttributes"]["value"] == Decimal("8.56")
    assert last["status"]["code"] == "COMPLETE"
    assert next_state("on_update", "CONFIRMED", last) == "SETTLED", "the buyer's record ends too"
    assert next_state("on_status", "CONFIRMED", first) == "CONFIRMED"
    spoken = Event.objects.get(type="settlement.statement")
    assert sentence(spoken.type, bytes(spoken.payload)) == (
        "The order stood ready and was not called. Run II pays £8.56."
    )
    assert money_check().held
    assert statements_check().held
    assert AgentDecision.objects.get().why == "availability is paid for standing ready"


def test_it_has_runs_and_its_leaf_in_the_log_like_any_other(site):
    """The record of December is known better at SF's day: three quarters were delivered, so three quarters are paid."""
    called = market.dispatched(on_call(site), market.instruction("400", FIRST, SECOND))
    market.metered(site, settled.history() | PARTLY)
    settle_activation(activation=called, now=END)
    december = FIRST - timedelta(days=31)
    Activation.objects.update(start_at=december, end_at=december + timedelta(hours=1))
    SettlementStatement.objects.update(shortfall_wh=100_000, knowledge_time=SF)
    order = on_call(market.site(site.organisation, "leeds-2"))
    Offer.objects.filter(pk=order.offer_id).update(site=site)
    settle_due(END)
    settle_runs(SF)
    ii, sf = SettlementStatement.objects.filter(activation=None).order_by("sequence")
    assert (ii.run, ii.amount_pence, sf.run, sf.amount_pence) == ("II", 856, "SF", 642)
    assert (sf.supersedes, sf.delta_pence, sf.version) == (ii, -214, 1)
    assert sf.components[0]["basis"]["record_delivered_wh"] == "300000"
    anchor_events(now=SF)
    assert record_settlements(now=SF) == SettlementStatement.objects.count()
    assert sf.record.supersedes
    assert SettlementProgress.objects.get(activation=None).next_run == "R1"


def test_a_third_party_works_it_out_again_from_the_document_alone(site):
    on_call(site)
    settle_due(END)
    found = document(only())
    (part,) = found["components"]
    exact = Fraction(part["basis"]["mw_h"]) * Fraction(found["terms"]["availability_price_gbp_per_mw_h"])
    exact *= Fraction(part["basis"]["scale"])
    assert round(exact * 100) == part["pence"] == found["totals"]["amount_pence"]
    assert Fraction(part["residual_gbp"]) == exact - Fraction(part["pence"], 100)
    assert (found["settles"], found["event_id"], found["periods"]) == ("ORDER", None, [])


def test_what_was_stood_down_counts_as_never_called(site):
    order = on_call(site)
    activation = market.dispatched(order)
    Activation.objects.filter(pk=activation.pk).update(state="ACTIVATION_REJECTED")
    Order.objects.update(state="CONFIRMED")
    settle_due(END)
    assert only().amount_pence == 856


def test_a_late_cancellation_is_charged_by_a_statement_of_its_own(site, settings):
    settings.CHAIN_RPC_URL = "none"
    order = cancelled_late(site)
    settle_due(GATE)
    settle_due(GATE)
    statement = only()
    (part,) = statement.components
    assert (part["type"], part["pence"], statement.amount_pence, statement.buyer_pence) == (
        "CANCELLATION_FEE", 713, 713, 713,
    )  # fmt: skip
    assert (statement.reason, statement.run, statement.vat["vat_pence"]) == ("CANCELLED", "II", 143)
    complete_due(GATE)
    settle_runs(SF)
    assert SettlementStatement.objects.count() == 1, "no reading or price could change it"
    assert Order.objects.get().state == "CANCELLED"
    assert events_of(f"order:{order.pk}") == [
        "order.confirmed", "order.cancelled", "settlement.statement", "settlement.proven",
    ]  # fmt: skip
    contract = told()[-1][1]
    price = contract["consideration"][0]["considerationAttributes"]
    assert price["value"] == Decimal("7.13")
    assert [one["type"] for one in price["components"]] == ["CANCELLATION_FEE"]
    assert contract["status"]["code"] == "CANCELLED"
    assert next_state("on_update", "CANCELLED", contract) == "CANCELLED"
    assert money_check().held
    Order.objects.update(cancellation_charged_pence=0)
    assert not money_check().held, "a fee that the order does not owe is found"


def test_a_cancelled_order_s_statement_says_the_same_again(site):
    order = cancelled_late(site)
    settle_due(GATE)
    assert resettle(order=order, reason="NEW_READINGS", now=END) == only()


@pytest.mark.parametrize(
    ("made", "now", "code"),
    [
        (on_call, END - timedelta(seconds=1), "NOT_OVER"),
        (lambda site: on_call(site, product="OPERATIONAL_UTILISATION"), END, "NOTHING_OWED"),
        (lambda site: cancelled_late(site, at=NOW), END, "NOTHING_OWED"),
    ],
)
def test_what_owes_nothing_has_no_statement(site, made, now, code):
    order = made(site)
    with pytest.raises(MarketError) as caught:
        settle_order(order=order, now=now)
    assert caught.value.code == code
    settle_due(now)
    assert not SettlementStatement.objects.exists()
    assert not AgentDecision.objects.exists(), "there is nothing to say about it"


def test_a_dispatched_order_is_settled_by_its_dispatches(site):
    order = on_call(site)
    market.dispatched(order)
    with pytest.raises(MarketError) as caught:
        settle_order(order=order, now=END)
    assert caught.value.code == "NOTHING_OWED"
