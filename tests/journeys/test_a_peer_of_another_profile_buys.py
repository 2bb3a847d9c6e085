"""A grid operator buys and dispatches from a seller that speaks another Beckn than it does: 1.1, or that of the newer drafts.

Two installations with separate databases and keys, over real sockets, from search to the accepted dispatch and the questions about it. The market in
each knows 2.0.0 alone. Then a buyer of 1.1 whose messages are written by hand, which has never heard of our extension.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from beckn.testing import Listener, Participant
from beckn.wire import body, receipts, signing
from tests.journeys.houses import House, wait_until

pytestmark = pytest.mark.journey
SALE = """
from datetime import datetime, timedelta, UTC
from tests.unit.marketplace.usecases import market
now = datetime.now(UTC)
first = (now + timedelta(hours=3)).replace(minute=0, second=0, microsecond=0)
site = market.site()
market.plan(site, start=now.replace(minute=0, second=0, microsecond=0))
market.offer(site, start=first)
"""
PURCHASE = """
import time
from decimal import Decimal
from django.conf import settings
from django.utils import timezone
from marketplace.models import Organisation
from marketplace.queries.messages import messages_of
from marketplace.queries.replies import replies_of
from marketplace.usecases.advance_purchase import advance_purchase
from marketplace.usecases.ask_seller import ask_seller
from marketplace.usecases.request_quote import request_quote
from marketplace.usecases.search_catalogue import search_catalogue
settings.BECKN_PARTICIPANTS["bpp"]["subscriber_id"] = "seller.example"

def until(row, done):
    end = time.monotonic() + 40
    while not done(row):
        assert time.monotonic() < end, (row.__dict__)
        time.sleep(0.05)
        row.refresh_from_db()

buyer = Organisation.objects.create(slug="grid", name="Grid", kind="GRID", created_at=timezone.now())
search = search_catalogue(organisation=buyer, direction="REDUCE", now=timezone.now())
until(search, lambda row: row.answered_at)
offer = search.catalogs[0]["offers"][0]["id"]
purchase = request_quote(organisation=buyer, search=search, offer_id=offer, kw=Decimal("300.5"), now=timezone.now())
until(purchase, lambda row: row.state == "QUOTED")
for step, state in (("initialise", "INITIALISED"), ("confirm", "CONFIRMED"), ("dispatch", "ACTIVE")):
    advance_purchase(purchase=purchase, step=step, now=timezone.now())
    until(purchase, lambda row: row.state == state)
for word, more in (("track", {}), ("rate", {"score": 4}), ("support", {"subject": "METERING"})):
    ask_seller(purchase=purchase, word=word, now=timezone.now(), **more)
    until(purchase, lambda row: f"on_{word}" in row.answers)
track, rate, support = replies_of(purchase, messages_of([str(purchase.transaction_id)], role="bap"))
assert track.tracking.status == "INACTIVE", track  # its window is hours away
assert (rate.rating.value, rate.rating.highest) == (4, 5), rate
assert support.channels[0].ticket, support
assert not any(one.waiting or one.refusal for one in (track, rate, support))
"""


@pytest.fixture
def seller(tmp_path: Path) -> Iterator[House]:
    """A data centre's market with one offer on sale."""
    house = House(tmp_path / "seller", "seller")
    house.open()
    house.run(SALE)
    yield house
    house.close()


@pytest.fixture
def buyer(tmp_path: Path) -> Iterator[House]:
    """A grid operator's installation."""
    house = House(tmp_path / "buyer", "buyer")
    house.open()
    yield house
    house.close()


CONVERSATION = ["discover", "select", "init", "confirm", "update", "track", "rate", "support"]
V1_WORDS = {"discover": "search", "rate": "rating"}


@pytest.mark.parametrize("profile", ["v1", "onix"])
def test_a_sale_between_two_installations(seller: House, buyer: House, profile: str) -> None:
    seller.know(profile, **buyer.entry("bap"))
    buyer.know(profile, **seller.entry("bpp"))
    buyer.run(PURCHASE)
    wait_until(lambda: not seller.rows("select 1 from beckn_outboxmessage where state = 'PENDING'"))

    heard = seller.rows("select action, profile, state, tolerances, raw, receipt from beckn_inboxmessage order by id")
    assert [(one[0], one[2], one[3]) for one in heard] == [(action, "HANDLED", "[]") for action in CONVERSATION]
    answered = buyer.rows("select action, state, tolerances, raw, authorization from beckn_inboxmessage order by id")
    assert [one[:3] for one in answered] == [(f"on_{action}", "HANDLED", "[]") for action in CONVERSATION]
    assert {one[1] for one in heard} == {profile}
    if profile == "v1":
        spoken = [V1_WORDS.get(action, action) for action in CONVERSATION]
        assert [body.parse(one[4])["context"]["action"] for one in heard] == spoken
        assert {body.parse(one[4])["context"]["version"] for one in heard} == {"1.1.1"}
        assert {one[5] for one in heard} == {b'{"message":{"ack":{"status":"ACK"}}}'}
        assert body.parse(heard[4][4])["message"]["update_target"] == "order.fulfillments"
    else:
        assert all(signing.parse(one[4]).is_chained for one in answered)
        sent = seller.rows("select receipt_proof from beckn_outboxmessage")
        assert sent == [("SIGNED",)] * len(CONVERSATION)
        assert {tuple(body.parse(one[5])) for one in heard} == {("message",)}
    assert seller.rows("select state from marketplace_order") == [("ACTIVE",)]


class OldBuyer:
    """A buyer that speaks 1.1 and writes its messages by hand."""

    def __init__(self, house: House, door: Listener) -> None:
        self.house, self.door = house, door
        self.transaction = str(uuid.uuid4())

    def ask(self, word: str, message: dict[str, Any]) -> dict[str, Any]:
        """Send `word`, and return the message of its callback."""
        who = self.door.participant
        context = {
            "domain": "energy:flexibility",
            "action": word,
            "version": "1.1.0",
            "bap_id": who.signer.subscriber_id,
            "bap_uri": who.url,
            "bpp_id": "seller.example",
            "bpp_uri": f"{self.house.url}/bpp",
            "transaction_id": self.transaction,
            "message_id": str(uuid.uuid4()),
            "timestamp": datetime.now(UTC).isoformat(),
            "ttl": "PT30S",
        }
        answer = who.post(f"{self.house.url}/bpp", {"context": context, "message": message})
        assert (answer.status, receipts.read(answer.body).status) == (200, "ACK"), answer.body
        told: list[dict[str, Any]] = []

        def arrived() -> bool:
            told[:] = [one.told for one in self.door.received if one.path == f"/bap/on_{word}"]
            return any(one["context"]["message_id"] == context["message_id"] for one in told)

        wait_until(arrived)
        return next(one for one in told if one["context"]["message_id"] == context["message_id"])


def bare(message: dict[str, Any]) -> dict[str, Any]:
    """As a peer would send it that keeps nothing it does not know."""
    return json.loads(json.dumps({name: value for name, value in message.items() if name != "tags"}, default=str))


def test_a_buyer_that_knows_1_1_alone(seller: House) -> None:
    with Listener(Participant("bap", "old.example")).listening() as door:
        door.answer = lambda _: (200, b'{"message":{"ack":{"status":"ACK"}}}')
        who = door.participant.signer
        entry = {"subscriber_id": who.subscriber_id, "key_id": who.key_id, "public_key": who.public_key}
        seller.know("v1", role="bap", url=door.participant.url, **entry)
        old = OldBuyer(seller, door)

        found = old.ask("search", {"intent": {"item": {"descriptor": {"code": "compute-flex"}}}})
        (provider,) = found["message"]["catalog"]["providers"]
        (item,), (offer,) = provider["items"], provider["offers"]
        assert item["price"] == {"currency": "GBP", "value": "0.25"}
        assert provider["locations"][0]["gps"].startswith("53.79")
        order = {
            "provider": {"id": provider["id"]},
            "items": [{"id": item["id"], "quantity": {"selected": {"measure": {"value": "400", "unit": "kW"}}}}],
            "offers": [{"id": offer["id"]}],
        }
        quoted = old.ask("select", {"order": order})["message"]["order"]
        assert quoted["quote"]["price"] == {"currency": "GBP", "value": "100.00"}  # 400 kW for an hour at 25 p/kWh
        agreed = old.ask("init", {"order": order})["message"]["order"]
        placed = old.ask("confirm", {"order": bare(agreed)})["message"]["order"]
        assert (placed["status"], placed["id"]) == ("ACTIVE", agreed["id"])
        known = old.ask("status", {"order_id": placed["id"]})["message"]["order"]
        assert known["items"] == placed["items"]

        (series,) = [one for one in placed["items"][0]["tags"] if one["descriptor"]["code"] == "CAPACITY_OFFERED"]
        wanted = series | {"descriptor": {"code": "CAPACITY_REQUESTED"}}
        state = {"descriptor": {"code": "ACTIVATION_REQUESTED"}}
        dispatch = {"id": "dispatch-1", "type": "Flexibility", "state": state, "tags": [wanted]}
        changed = {"id": placed["id"], "status": "ACTIVE", "fulfillments": [dispatch]}
        refused = old.ask("update", {"update_target": "order.items", "order": changed})
        assert refused["error"]["code"] == "30012"
        taken = old.ask("update", {"update_target": "order.fulfillments", "order": changed})["message"]["order"]
        assert taken["fulfillments"][0]["state"]["descriptor"]["code"] == "ACTIVATION_ACCEPTED"
        assert seller.rows("select state from marketplace_order") == [("ACTIVE",)]
