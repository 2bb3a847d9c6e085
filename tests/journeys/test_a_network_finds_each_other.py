"""Sellers and buyers who know nobody but a discovery service find each other through it, over real sockets.

A seller from outside publishes, a buyer from outside subscribes, searches and pulls, and our own buyer finds the seller's
offer; each message is signed by whoever says it, and what could not be delivered comes when the subscriber wants it again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal

import pytest

from beckn import egress
from beckn.testing import Listener, Participant
from beckn.wire import signing
from tests.unit.beckn.discovery.conftest import TYPE, catalogue, resource
from tests.unit.beckn.installation import Installation

pytestmark = pytest.mark.journey
SEARCH = """
from django.utils import timezone
from marketplace.models import Organisation
from marketplace.usecases.search_catalogue import search_catalogue
now = timezone.now()
buyer, _ = Organisation.objects.get_or_create(slug="grid", defaults={"name": "Grid", "kind": "GRID", "created_at": now})
search_catalogue(organisation=buyer, direction="REDUCE", now=now)
"""


@pytest.fixture
def seller() -> Iterator[Listener]:
    with Listener(Participant("bpp", "far.example")).listening() as listener:
        yield listener


@pytest.fixture
def buyer(seller: Listener) -> Iterator[Listener]:
    """It also plays the registry that names them both."""
    with Listener(Participant("bap", "asker.example")).listening() as listener:
        listener.directory = [listener.participant.subscription(), seller.participant.subscription()]
        yield listener


@pytest.fixture
def house(buyer: Listener, tmp_path) -> Iterator[Installation]:
    one = Installation(tmp_path / "house", registry_url=f"{buyer.base}/registry")
    one.env["BECKN_DISCOVERY_ID"] = "discovery.caco.local"
    one.door = "caco_site.asgi:application"
    one.set_up()
    one.start()
    yield one
    one.stop()


def post(house: Installation, who: Listener, action: str, message: dict) -> dict:
    told = who.participant.envelope(action, message, receiver="ds")
    answer = who.participant.post(f"{house.url}/ds", told)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def fetch(house: Installation, who: Listener, method: str, path: str) -> dict:
    header = {"Authorization": who.participant.authorization(b"")}
    answer = egress.exchange(method, f"{house.url}/ds/catalog/{path}", b"", headers=header, largest=100_000)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def got(listener: Listener, path: str) -> list[dict]:
    return [one.told for one in listener.received if one.path == path]


def test_a_network_finds_each_other(house: Installation, seller: Listener, buyer: Listener) -> None:
    house.sweep()  # the house learns from the registry who is there
    retry = {"initialDelaySeconds": Decimal("0.01"), "maxRetries": 3}
    wish = {"networkIds": ["caco.example/flex-dev"], "schemaTypes": [TYPE], "deliveryPolicy": {"retryPolicy": retry}}
    held = post(house, buyer, "catalog/subscription", {"subscription": wish})["message"]["subscriptions"][0]

    # The subscriber is down when the seller publishes, and is served when it is back.
    buyer.answer = lambda _: (503, b"")
    post(
        house,
        seller,
        "catalog/publish",
        {"catalogs": [catalogue("far", "near"), catalogue("south", resources=[resource("south", at=[0, 50])])]},
    )
    for _ in range(2):
        house.sweep()
    (published,) = got(seller, "/bpp/catalog/on_publish")
    assert [one["status"] for one in published["message"]["results"]] == ["ACCEPTED", "ACCEPTED"]
    tried = len(got(buyer, "/bap/on_discover"))
    assert tried >= 2
    buyer.answer = None
    while house.rows("select 1 from beckn_outboxmessage where state = 'PENDING'"):
        house.sweep()
    pushed = got(buyer, "/bap/on_discover")
    assert {one["message"]["catalogs"][0]["id"] for one in pushed[tried:]} == {"far", "south"}

    # Whoever asks gets what fits, signed by the service, whose key the registry names.
    near = {"op": "S_DWITHIN", "targets": "$['resourceAttributes']['location']['geo']", "distanceMeters": 20_000,
            "geometry": {"type": "Point", "coordinates": [Decimal("1.3"), Decimal("52.63")]}}  # fmt: skip
    expression = "$.catalogs[*].resources[*] ? (@.resourceAttributes.maxCapacityKw >= 500)"
    post(
        house,
        buyer,
        "discover",
        {"intent": {"filters": {"type": "jsonpath", "expression": expression}, "spatial": [near]}},
    )
    house.sweep()
    last = buyer.received[-1]
    assert [one["id"] for found in last.told["message"]["catalogs"] for one in found["resources"]] == ["near"]
    keys = dict(house.rows("select subscriber_id, public_key from beckn_subscriber"))
    found = signing.parse(last.headers["authorization"])
    assert found.subscriber_id == "discovery.caco.local"
    signing.verify(found, last.raw, keys["discovery.caco.local"])

    # What is too much for a message can be pulled, and a subscription ended.
    request_id = post(house, buyer, "catalog/pull", {"mode": "FULL"})["requestId"]
    house.sweep()
    assert got(buyer, "/bap/on_catalog_pull")[-1]["message"]["requestId"] == request_id
    assert len(fetch(house, buyer, "GET", f"pull/result/{request_id}/catalogs.json")["catalogs"]) == 2
    assert fetch(house, buyer, "DELETE", f"subscription/{held['id']}")["status"] == "DELETED"

    # Our own buyer asks the same service, and finds the seller from outside.
    house.run(SEARCH)
    while house.rows("select 1 from marketplace_searchresult where answered_at is null"):
        house.sweep()
    ((catalogs,),) = house.rows("select catalogs from marketplace_searchresult")
    offers = {offer["id"]: one["bppId"] for one in json.loads(catalogs) for offer in one["offers"]}
    assert offers == {"offer-near": "far.example"}
