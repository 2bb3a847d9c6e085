"""An order is settled when its proof is final on the chain, and then exactly once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from beckn.models import OutboxMessage
from beckn.wire import body
from marketplace.models import Activation, Anchor, Order, SettlementRecord
from marketplace.usecases.complete_settlement import complete_settlement
from marketplace.usecases.resettle import resettle
from marketplace.usecases.settle_activation import settle_activation
from tests.unit.marketplace.usecases import market, settled
from tests.unit.marketplace.usecases.conftest import events_of
from tests.unit.marketplace.usecases.market import END, FIRST, NOW, SECOND, instruction

pytestmark = pytest.mark.usefixtures("network")
METERED = {FIRST: 240_000, SECOND: 260_000}


@pytest.fixture
def statement(site):
    return settle_activation(activation=settled.over(site, metered=METERED), now=END)


def anchored(statement, state):
    anchor = Anchor.objects.create(
        kind="RECORD", state=state, tx_hash="0x" + "ab" * 32, chain_id=1337, contract="0x" + "cd" * 20, created_at=NOW,
        updated_at=NOW,
    )  # fmt: skip
    SettlementRecord.objects.create(
        statement=statement, anchor=anchor, settlement_id="11" * 32, commitment="22" * 32, run="II", salt=b"s" * 32
    )


def told():
    return body.parse(bytes(OutboxMessage.objects.filter(action="on_update").order_by("pk").last().raw))["message"][
        "contract"
    ]


@pytest.mark.parametrize("state", ["PENDING", "SIGNED", "SENT", "MINED", "REORGED", "FAILED"])
def test_until_the_record_is_final_the_order_waits(statement, state):
    anchored(statement, state)
    assert complete_settlement(statement=statement, now=END) is False
    assert Order.objects.get().state == "DELIVERED"
    assert not OutboxMessage.objects.filter(action="on_update").exists()


def test_without_a_record_the_order_waits(statement):
    assert complete_settlement(statement=statement, now=END) is False


def test_a_final_record_settles_once_and_tells_the_buyer_where_the_proof_stands(statement):
    anchored(statement, "FINAL")
    assert complete_settlement(statement=statement, now=END) is True
    assert complete_settlement(statement=statement, now=END) is True
    order = Order.objects.get()
    assert (order.state, Activation.objects.get().state) == ("SETTLED", "SETTLED")
    assert events_of(f"order:{order.pk}") == ["order.confirmed", "settlement.statement", "order.settled"]
    contract = told()
    trail = contract["settlements"][0]["settlementAttributes"]["auditTrail"]
    assert trail == {
        "state": "ANCHORED", "chainId": 1337, "contract": "0x" + "cd" * 20, "txHash": "0x" + "ab" * 32,
        "settlementId": "0x" + "11" * 32, "commitment": "0x" + "22" * 32,
    }  # fmt: skip


def test_the_message_is_exact_and_adds_up_to_zero(statement):
    anchored(statement, "FINAL")
    complete_settlement(statement=statement, now=END)
    contract = told()
    amount = Decimal(statement.amount_pence) / 100
    price = contract["consideration"][0]["considerationAttributes"]
    assert price["value"] == amount
    assert sum(one["value"] for one in price["components"]) == amount
    assert sum(flow["value"] for flow in contract["contractAttributes"]["revenueFlows"]) == 0
    assert contract["status"]["code"] == "COMPLETE"


def test_with_no_chain_the_order_settles_and_says_so(statement, settings):
    settings.CHAIN_RPC_URL = "none"
    assert complete_settlement(statement=statement, now=END) is True
    assert told()["settlements"][0]["settlementAttributes"]["auditTrail"] == {"state": "NO_CHAIN"}


def test_of_a_corrected_statement_only_the_correction_is_told_and_the_order_stays_settled(site, statement, settings):
    settings.CHAIN_RPC_URL = "none"
    complete_settlement(statement=statement, now=END)
    later = []
    for minutes, wh in ((1, 330_000), (2, 350_000)):
        market.metered(site, {FIRST: wh}, known_at=END + timedelta(minutes=minutes))
        now = END + timedelta(minutes=minutes)
        later.append(resettle(activation=statement.activation, reason="NEW_READINGS", now=now))
    assert complete_settlement(statement=later[0], now=END) is True
    assert OutboxMessage.objects.filter(action="on_update").count() == 1
    for _ in range(2):
        assert complete_settlement(statement=later[1], now=END) is True
    order, contract = Order.objects.get(), told()
    assert (order.state, events_of(f"order:{order.pk}")[-1]) == ("SETTLED", "settlement.proven")
    (entry,) = contract["settlements"]
    attributes = entry["settlementAttributes"]
    assert (attributes["version"], attributes["reason"]) == (3, "NEW_READINGS")
    assert attributes["supersedes"] == str(later[0].pk)
    assert attributes["delta"]["value"] == Decimal(later[1].delta_pence) / 100 < 0
    assert contract["consideration"][0]["considerationAttributes"]["value"] == Decimal(later[1].amount_pence) / 100


def test_an_order_in_two_parts_is_settled_with_the_second(site):
    order = market.confirmed(market.offer(site))
    parts = [market.dispatched(order, instruction("400", start, identity=str(start))) for start in (FIRST, SECOND)]
    market.metered(site, settled.history() | METERED)
    first, second = (settle_activation(activation=activation, now=END) for activation in parts)
    for one, state in ((first, "DELIVERED"), (second, "SETTLED")):
        anchored(one, "FINAL")
        assert complete_settlement(statement=one, now=END) is True
        assert Order.objects.get().state == state
    kinds = events_of(f"order:{order.pk}")
    assert kinds[-2:] == ["activation.settled", "order.settled"]
