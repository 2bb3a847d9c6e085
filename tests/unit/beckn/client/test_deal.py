"""Reading offers and contracts, and the messages made of them, without any network."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beckn.client import deal
from beckn.wire import actions, body, context, schema
from beckn.wire.context import Party

START = datetime(2026, 1, 15, 17, tzinfo=UTC)


def series(**columns: list) -> dict:
    length = len(next(iter(columns.values())))
    return {
        "intervalPeriod": {"start": "2026-01-15T17:00:00Z", "duration": "PT30M"},
        "intervals": [
            {"id": i, "payloads": [{"type": name, "values": [values[i]]} for name, values in columns.items()]}
            for i in range(length)
        ],
    }


def catalogue(*offers: tuple[str, list[int], str]) -> dict:
    """(offer id, kW per half hour, price)"""
    return {
        "bppId": "seller.example",
        "resources": [
            {"id": f"r-{name}", "resourceAttributes": {"availability": series(CAPACITY_AVAILABLE=kw)}} for name, kw, _ in offers
        ],
        "offers": [
            {
                "id": name,
                "resourceIds": [f"r-{name}"],
                "offerAttributes": {
                    "inputs": [{"role": "seller", "inputs": {"participatingMeters": ["msid-1"], "price": series(PRICE=[price] * len(kw))}}]
                },
            }
            for name, kw, price in offers
        ],
    }  # fmt: skip


def found(*offers: tuple[str, list[int], str]) -> list[deal.Choice]:
    return list(deal.choices([catalogue(*offers)]))


def test_the_cheapest_offer_that_fits_is_chosen():
    all_three = found(("dear", [500, 500], "0.30"), ("cheap", [500, 90], "0.10"), ("middling", [200, 200, 200], "0.20"))
    options = {"window": None, "offer_id": ""}
    assert deal.pick(all_three, kw=None, **options).offer["id"] == "cheap"
    assert (
        deal.pick(all_three, kw=Decimal(100), **options).offer["id"] == "middling"
    )  # 90 kW is not 100 in each half hour
    hour = (START, START + timedelta(hours=1))
    assert deal.pick(all_three, kw=Decimal(100), window=hour, offer_id="").offer["id"] == "dear"
    assert deal.pick(all_three, kw=None, window=None, offer_id="dear").price == Decimal("0.30")
    with pytest.raises(
        deal.DealError, match=r"none of the 3 offers on sale fits .*dear: 500 kW from 2026-01-15T17:00:00Z"
    ):
        deal.pick(all_three, kw=Decimal(501), **options)
    with pytest.raises(deal.DealError, match="none of the 0 offers"):
        deal.pick([], kw=None, **options)


def test_an_offer_that_cannot_be_read_hides_no_other():
    one = catalogue(("broken", [1], "0.10"), ("fine", [2], "0.20"))
    del one["offers"][0]["offerAttributes"]["inputs"][0]["inputs"]["price"]["intervals"]
    assert [choice.offer["id"] for choice in deal.choices([one])] == ["fine"]
    assert list(deal.choices(None)) == []


@given(st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["intervalPeriod", "intervals", "start", "id", "payloads", "type", "values"]), inner, max_size=4)))  # fmt: skip
def test_whatever_a_seller_sends_is_read_or_refused(junk):
    with pytest.raises(deal.DealError):
        deal.column(junk, "PRICE")


def contract() -> dict:
    choice = found(("one", [120, 120], "0.25"))[0]
    made = deal.select_message(choice, kw=Decimal("100.50"), buyer="buyer.example")["contract"]
    made["commitments"][0]["commitmentAttributes"] = {
        "@context": deal.SERIES, "@type": "TimeSeries", "payloadDescriptors": [], **series(CAPACITY_OFFERED=[Decimal("100.5")] * 2),
    }  # fmt: skip
    return made | {"id": str(uuid.uuid4()), "performance": [{"id": "old"}]}


def is_valid(action: str, message: dict) -> None:
    head = context.build(
        action=actions.ACTIONS[action],
        us=Party("buyer.example", "https://buyer.example/bap"),
        peer=Party("seller.example", "https://seller.example/bpp"),
        network_id="caco.example/flex-dev",
        transaction_id=uuid.uuid4(),
        message_id=uuid.uuid4(),
        now=START,
        ttl=timedelta(minutes=5),
    )
    schema.validate(body.parse(body.dump({"context": head, "message": message})))


def test_what_is_sent_fits_the_schema():
    choice = found(("one", [120, 120], "0.25"))[0]
    for action, message in (
        ("select", deal.select_message(choice, kw=Decimal(100), buyer="buyer.example")),
        ("init", deal.again(contract())),
        ("update", deal.dispatch_message(contract(), instruction_id="d-1", now=START)),
    ):
        body.dump(message)
        message["contract"]["commitments"][0]["offer"].pop("offerAttributes")  # shortened series are the test's own
        message["contract"]["commitments"][0].pop("commitmentAttributes", None)
        is_valid(action, message)


def test_a_dispatch_asks_for_exactly_what_was_ordered():
    (entry,) = deal.dispatch_message(contract(), instruction_id="d-1", now=START)["contract"]["performance"]
    told = entry["performanceAttributes"]
    assert deal.column(told["setpoint"], "CAPACITY_REQUESTED") == {
        START: Decimal("100.5"),
        START + deal.HALF_HOUR: Decimal("100.5"),
    }
    assert (told["msidPairs"], told["ackBy"]) == (["msid-1"], "2026-01-15T17:05:00Z")
    assert deal.codes({"performance": [entry]}) == {"ACTIVATION_REQUESTED"}
    with pytest.raises(deal.DealError, match="what was ordered"):
        deal.dispatch_message({"commitments": []}, instruction_id="d", now=START)
    with pytest.raises(deal.DealError, match="names no amount"):
        deal.amount_of({})
