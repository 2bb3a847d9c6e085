"""An order above a size or below a floor waits for a person, holds its capacity meanwhile, and ends one way or the other."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from beckn.models import OutboxMessage
from beckn.wire import body
from marketplace.models import Offer, Order, SaleRules, SiteCapacity
from marketplace.rules.errors import MarketError
from marketplace.usecases.approve_order import approve_order
from marketplace.usecases.cancel_order import cancel_order
from marketplace.usecases.decline_order import decline_order
from marketplace.usecases.expire_offers import expire_offers
from marketplace.wire.contract import order_contract
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.conftest import events_of
from tests.unit.marketplace.usecases.market import GATE, NOW

pytestmark = pytest.mark.usefixtures("network")
BY = NOW + timedelta(hours=1)


@pytest.fixture
def rules(site):
    return SaleRules.objects.create(site=site, approve_above_kw=Decimal(100), updated_at=NOW)


def held():
    return set(SiteCapacity.objects.values_list("reserved_kw", flat=True))


def told():
    """The contracts of the on_status messages to the buyer, oldest first."""
    rows = OutboxMessage.objects.filter(action="on_status").order_by("pk")
    return [body.parse(bytes(row.raw))["message"]["contract"] for row in rows]


@pytest.mark.usefixtures("rules")
def test_up_to_the_size_an_order_is_confirmed_at_once_and_above_it_it_waits(offer):
    assert market.confirmed(offer, kw="100").state == "CONFIRMED"
    order = market.confirmed(offer, kw="100.125")
    assert (order.state, order.approve_by) == ("PENDING", BY)
    assert order.waits_because == "100.125 kW is more than the 100 kW sold without asking."
    assert market.confirm(order).version == order.version
    assert held() == {Decimal("200.125")}
    contract = order_contract(order, seller="s")
    assert (contract["status"]["code"], contract["descriptor"]["code"]) == ("DRAFT", "PENDING_APPROVAL")
    assert "100 kW" not in str(contract["descriptor"]), "the seller's own rules stay its own"


def test_a_price_below_the_floor_waits_and_the_gate_ends_the_waiting(offer, rules):
    SaleRules.objects.update(approve_above_kw=None, floor_gbp_per_kwh=Decimal("0.2501"), approve_within_s=86_400)
    assert market.confirmed(offer, kw="1").approve_by == GATE
    SaleRules.objects.update(floor_gbp_per_kwh=Decimal("0.2500"))
    assert market.confirmed(offer, kw="1").state == "CONFIRMED"


@pytest.mark.usefixtures("rules")
def test_a_yes_sells_it_and_tells_the_buyer(offer, owner):
    order = market.confirmed(offer, kw="400")
    assert Offer.objects.get().state == "SOLD"
    done = approve_order(order=order, user=market.person(owner, "TRADER"), now=BY - timedelta(seconds=1))
    assert (done.state, done.confirmed_at, held()) == ("CONFIRMED", BY - timedelta(seconds=1), {400})
    assert approve_order(order=order, user=None, now=BY).version == done.version
    assert events_of(f"order:{order.pk}") == ["order.waiting", "order.confirmed"]
    [contract] = told()
    assert contract["status"]["code"] == "ACTIVE"
    assert not {"code", "shortDesc"} & set(contract.get("descriptor", {})), "nothing waits any more"


@pytest.mark.usefixtures("rules")
def test_a_no_gives_the_capacity_back_and_the_buyer_reads_why(offer, owner):
    order = market.confirmed(offer, kw="400")
    with pytest.raises(MarketError, match="reason is empty"):
        decline_order(order=order, user=None, reason=" ", now=NOW)
    decline_order(order=order, user=market.person(owner, "TRADER"), reason="Maintenance.", now=NOW)
    assert (Order.objects.get().state, held(), Offer.objects.get().state) == ("CANCELLED", {0}, "PUBLISHED")
    [contract] = told()
    assert contract["descriptor"] == {"code": "DECLINED", "shortDesc": "Maintenance."}
    for decide in (approve_order, lambda **given: decline_order(reason="again", **given)):
        with pytest.raises(MarketError, match="nothing to decide"):
            decide(order=order, user=None, now=NOW)


@pytest.mark.usefixtures("rules")
def test_an_order_that_nobody_decides_on_expires_and_its_capacity_comes_back(offer):
    order = market.confirmed(offer, kw="400")
    assert expire_offers(now=BY - timedelta(seconds=1)) == 0
    with pytest.raises(MarketError, match="could be approved until"):
        approve_order(order=order, user=None, now=BY)
    assert expire_offers(now=BY) == 1
    assert (Order.objects.get().state, held(), Offer.objects.get().state) == ("EXPIRED", {0}, "PUBLISHED")
    assert [one["descriptor"]["code"] for one in told()] == ["EXPIRED"]
    assert events_of(f"order:{order.pk}") == ["order.waiting", "order.lapsed"]


@pytest.mark.usefixtures("rules")
def test_a_buyer_may_leave_while_it_waits_and_owes_nothing(offer):
    Offer.objects.update(cancellation_fee_percent=Decimal(50), free_cancellation_s=10**6)
    order = market.confirmed(offer, kw="400")
    done = cancel_order(transaction_id=order.transaction_id, buyer_subscriber_id=market.BUYER, reason="", now=NOW)
    assert (done.state, done.cancellation_charged_pence, held()) == ("CANCELLED", 0, {0})


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize("role", ["OPERATOR", "VIEWER", "SETTLEMENT"])
def test_only_who_may_sell_decides(offer, owner, role):
    order, user = market.confirmed(offer, kw="400"), market.person(owner, role)
    for decide in (approve_order, lambda **given: decline_order(reason="no", **given)):
        with pytest.raises(MarketError) as caught:
            decide(order=order, user=user, now=NOW)
        assert caught.value.code == "NOT_ALLOWED"
    assert Order.objects.get().state == "PENDING"


@pytest.mark.usefixtures("rules")
def test_a_buyer_who_left_the_network_does_not_keep_the_capacity(offer, caplog):
    """Nobody can be told, which is an error in the log; the power is on sale again all the same."""
    market.confirmed(offer, kw="400")
    Order.objects.update(buyer_subscriber_id="gone.example")
    assert expire_offers(now=BY) == 1
    assert (Order.objects.get().state, held()) == ("EXPIRED", {0})
    assert "gone.example was not told" in caplog.text
