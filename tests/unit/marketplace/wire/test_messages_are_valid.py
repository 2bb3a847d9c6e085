"""Whatever the market says on the wire fits the network's schema, in every state an order can be in."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from beckn.wire import body, context, schema
from beckn.wire.actions import ACTIONS
from marketplace.models import Offer, Order, Organisation, Site
from marketplace.rules.order_state import OrderState
from marketplace.usecases.search_catalogue import intent
from marketplace.usecases.settle_activation import settle_activation
from marketplace.wire.activation import activation_attributes, delivery_attributes, settlement_entry
from marketplace.wire.catalogue import catalogues
from marketplace.wire.contract import order_contract, performance_entry
from marketplace.wire.purchase import contract_message, dispatch_message, select_message
from tests.unit.marketplace.usecases import buyer, market, settled
from tests.unit.marketplace.usecases.conftest import network, offer, owner, site  # noqa: F401 - fixtures
from tests.unit.marketplace.usecases.market import NOW

pytestmark = pytest.mark.django_db
PARTY = context.Party("market.example", "https://market.example/beckn/bpp")


def check(action: str, message: dict[str, Any]) -> None:
    """Valid as built, and still the same after its bytes were read."""
    told = {
        "context": context.build(
            action=ACTIONS[action], us=PARTY, peer=PARTY, network_id="n/r", transaction_id=uuid.uuid4(),
            message_id=uuid.uuid4(), now=NOW, ttl=timedelta(hours=1),
        ),
        "message": message,
    }  # fmt: skip
    schema.validate(told)
    read = body.parse(body.dump(told))
    schema.validate(read)
    assert read == told


@pytest.mark.parametrize("state", list(OrderState))
def test_an_order_is_a_valid_contract_in_every_state(offer: Offer, state: OrderState) -> None:  # noqa: F811
    order: Order = market.quoted(offer)
    order.state = state
    for action in ("on_select", "on_init", "on_confirm", "on_update", "on_status", "on_cancel"):
        check(action, {"contract": order_contract(order, seller=buyer.SELLER, with_id=action != "on_select")})


@pytest.mark.parametrize("kw", ["400", "62.5", "0.125"])
def test_a_catalogue_is_valid_also_with_uneven_power(site: Site, kw: str) -> None:  # noqa: F811
    site.licence_area, site.gsp_zone = "EPN", "NORM_1"
    offers = [market.offer(site, kw=kw), market.offer(site, kw=kw, direction="INCREASE")]
    found = catalogues(offers, seller=buyer.SELLER, bpp_url=PARTY.url, now=NOW)
    assert len(found[0]["offers"]) == 2
    check("on_discover", {"catalogs": found})


@pytest.mark.parametrize(
    "asked",
    [{"text": "", "direction": "", "min_kw": None}, {"text": "leeds", "direction": "REDUCE", "min_kw": market.Decimal("62.5")}],
)  # fmt: skip
def test_a_search_is_valid(asked: dict[str, Any]) -> None:
    check("discover", {"intent": intent(**asked)})


def test_the_buyers_messages_are_valid_from_select_to_cancel(offer: Offer, network: None) -> None:  # noqa: F811
    purchase, _ = buyer.quoted(buyer.grid(), offer)
    found = catalogues([offer], seller=buyer.SELLER, bpp_url=PARTY.url, now=NOW)[0]
    asked = select_message(
        offer=found["offers"][0], resource_id="r", kw=market.Decimal("62.5"), buyer=buyer.BUYER, seller=buyer.SELLER
    )
    check("select", asked)
    purchase.contract["id"] = str(uuid.uuid4())
    for action in ("init", "confirm", "status", "cancel"):
        check(action, contract_message(purchase))
    check("update", dispatch_message(purchase, instruction_id="d-1", issued_at=NOW, ack_by=NOW))


def test_dispatch_delivery_and_settlement_are_valid(site: Site, network: None, owner: Organisation) -> None:  # noqa: F811
    short = {start: wh - 150_000 for start, wh in settled.history().items() if start in (market.FIRST, market.SECOND)}
    activation = settled.over(site, metered=short)
    statement = settle_activation(activation=activation, now=market.END)
    contract = order_contract(activation.order, seller=buyer.SELLER, statement=statement)
    for code, attributes in (
        ("ACTIVATION_ACCEPTED", activation_attributes(activation)),
        ("DELIVERY_COMPLETE", delivery_attributes(statement)),
    ):
        check("on_update", {"contract": contract | {"performance": [performance_entry(activation, code, attributes)]}})
    for trail in ({"state": "NO_CHAIN"}, {"state": "ANCHORED", "chainId": 31337, "txHash": "0x" + "ab" * 32}):
        check("on_update", {"contract": contract | {"settlements": [settlement_entry(statement, audit_trail=trail)]}})
