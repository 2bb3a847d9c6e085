"""Applications without keys stand behind an installation: one sells, one buys, and the market goes on beside them.

The applications are a few lines of plain HTTP that know no cryptography and share nothing with us but a secret. The
installation is the whole web process and its worker, over real sockets; the other side signs and verifies.
"""

from __future__ import annotations

import json
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from beckn.client import deal
from beckn.egress import EgressError
from beckn.testing import Listener, Participant
from beckn.testing.listener import Received
from beckn.wire import body, receipts, signing
from beckn.wire.context import Party
from beckn.wire.errors import WireError
from tests.journeys.test_a_peer_of_another_profile_buys import PURCHASE, SALE, House, wait_until

pytestmark = pytest.mark.journey
SECRET = "only-between-this-installation-and-its-applications"
PRICE = Decimal("0.25")  # GBP/kWh that the shop asks, for an hour
KEPT = ("version", "networkId", "bapId", "bapUri", "bppId", "transactionId")
CONTRACT = {
    "status": {"code": "DRAFT"},
    "commitments": [
        {
            "id": "commitment-1",
            "status": {"descriptor": {"code": "DRAFT"}},
            "resources": [{"id": "cooling", "quantity": {"unitCode": "kW", "unitQuantity": Decimal(120)}}],
            "offer": {"id": "evening", "resourceIds": ["cooling"]},
        }
    ],
}


class Application:
    """What stands behind the adapter: it takes POSTs from whoever has the secret, and remembers them by message id."""

    def __init__(self) -> None:
        self.url, self.adapter = "", ""
        self.told: list[dict[str, Any]] = []
        self.came: list[tuple[str, str, str]] = []  # action, sender, message id, of every POST
        self.said: list[tuple[int, dict[str, Any]]] = []
        self.before: Callable[[str], None] = lambda action: None

    @contextmanager
    def listening(self) -> Iterator[Application]:
        """Serve on a free port."""
        application = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                allowed = self.headers["Authorization"] == f"Bearer {SECRET}"
                status = application.take(given, self.headers["X-Beckn-Subscriber"]) if allowed else "NACK"
                reply = json.dumps({"message": {"ack": {"status": status}}}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                try:
                    self.wfile.write(reply)
                except OSError:  # whoever asked is not there any more
                    return

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}/webhook"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def take(self, given: dict[str, Any], sender: str) -> str:
        """Remember a message, and answer it once it is acknowledged; one that came before is only acknowledged again."""
        context = given["context"]
        is_new = all(context["messageId"] != one["context"]["messageId"] for one in self.told)
        self.came.append((context["action"], sender, context["messageId"]))
        if is_new:
            self.told.append(given)
        self.before(context["action"])
        if is_new:
            threading.Thread(target=self.answer, args=(given,)).start()
        return "ACK"

    def answer(self, given: dict[str, Any]) -> None:
        """Nothing, for whoever only listens."""

    def say(self, action: str, message: dict[str, Any], context: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Have something said, without a signature, as often as it takes; returns what came back."""
        side = "bpp" if action.startswith("on_") else "bap"
        stamp = {"action": action, "timestamp": datetime.now(UTC).isoformat(), "ttl": "PT30S"}
        given = json.dumps({"context": context | stamp, "message": message, **more})
        headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"}
        while True:
            try:
                reply = requests.post(f"{self.adapter}/{side}/caller/{action}", given, headers=headers, timeout=20)
            except requests.ConnectionError:
                time.sleep(0.1)
                continue
            self.said.append((reply.status_code, reply.json()))
            return reply.json()

    def heard(self, action: str) -> list[dict[str, Any]]:
        """What came under a name."""
        return [one for one in self.told if one["context"]["action"] == action]


class Shop(Application):
    """It sells the cooling of one building by the kilowatt."""

    def answer(self, given: dict[str, Any]) -> None:
        """Every request gets its callback: a quote, an order, its state, or that there is no such offer."""
        context, contract = given["context"], given["message"]["contract"]
        commitment = contract["commitments"][0]
        more: dict[str, Any] = {}
        if commitment["offer"]["id"] == "evening":
            power = commitment["resources"][0]["quantity"]["unitQuantity"]
            value = {"@context": "https://x.example/price", "@type": "PriceSpecification", "currency": "GBP"}
            contract["consideration"] = [
                {
                    "id": "price",
                    "status": {"code": "DRAFT"},
                    "considerationAttributes": value | {"value": float(PRICE * power)},
                }
            ]
            code = "DRAFT" if context["action"] in ("select", "init") else "ACTIVE"
            contract |= {"id": context["transactionId"], "status": {"code": code}}
        else:
            more["error"] = {"errorCode": "BIZ_OFFER_NOT_FOUND", "errorMessage": "There is no such offer."}
        ids = {name: context[name] for name in (*KEPT, "messageId")}
        self.say(f"on_{context['action']}", {"contract": contract}, ids, **more)


class Buyer:
    """A buyer with a key of its own. It finds the seller in the registry, and believes what is signed."""

    def __init__(self, house: House, door: Listener) -> None:
        self.door, self.deal = door, uuid.uuid4()
        listed = requests.get(f"{house.url}/registry/subscribers", timeout=10).json()
        self.seller = next(one for one in listed if one["subscriber_id"] == "seller.example")

    def request(self, action: str, message: dict[str, Any]) -> bytes:
        """A request's bytes."""
        to = Party(self.seller["subscriber_id"], self.seller["url"])
        return body.dump(self.door.participant.envelope(action, message, to=to, transaction_id=self.deal))

    def send(self, raw: bytes) -> None:
        """Sign and send; the receipt must be a yes, signed by the seller's key."""
        answer = self.door.participant.post(self.seller["url"], raw)
        message_id = body.parse(raw)["context"]["messageId"]
        assert (answer.status, receipts.read(answer.body).status) == (200, "ACK"), answer.body
        key = self.seller["signing_public_key"]
        assert receipts.is_countersigned(answer.body, request=raw, message_id=message_id, public_key=key)

    def answers(self, raw: bytes) -> list[Received]:
        """The callbacks to a request."""
        message_id = body.parse(raw)["context"]["messageId"]
        return [got for got in self.door.received if got.told["context"]["messageId"] == message_id]

    def ask(self, action: str, message: dict[str, Any]) -> dict[str, Any]:
        """A request and its callback, whose signature must be the seller's."""
        raw = self.request(action, message)
        self.send(raw)
        wait_until(lambda: self.answers(raw))
        (got,) = self.answers(raw)
        assert got.path == f"/bap/on_{action}"
        signing.verify(signing.parse(got.headers["authorization"]), got.raw, self.seller["signing_public_key"])
        return got.told


def opened(var: Path, application: Application, **settings: str) -> House:
    """An installation with an application behind it: the real web process, and a worker."""
    house = House(var, "seller")
    house.door = "caco_site.asgi:application"
    application.adapter = house.url.removesuffix("/beckn")
    house.env |= {"BECKN_ADAPTER": "yes", "BECKN_ADAPTER_SECRET": SECRET}
    house.env |= {name: value.format(base=application.adapter) for name, value in settings.items()}
    house.open()
    return house


@pytest.fixture
def shop() -> Iterator[Shop]:
    one = Shop()
    with one.listening():
        yield one


@pytest.fixture
def stall(tmp_path: Path, shop: Shop) -> Iterator[House]:
    """The installation in front of the shop; its seller is found at /bpp/receiver."""
    named = {"BECKN_BPP_APPLICATION": shop.url, "BECKN_BPP_URL": "{base}/bpp/receiver"}
    house = opened(tmp_path / "stall", shop, **named)
    yield house
    house.close()
    assert "Traceback" not in house.log()


@pytest.fixture
def buyer(stall: House) -> Iterator[Buyer]:
    with Listener(Participant("bap", "buyer.example")).listening() as door:
        who = door.participant.signer
        entry = {"subscriber_id": who.subscriber_id, "key_id": who.key_id, "public_key": who.public_key}
        stall.know("lts", role="bap", url=door.participant.url, **entry)
        yield Buyer(stall, door)


def amount(told: dict[str, Any]) -> Decimal:
    return deal.amount_of(told["message"]["contract"])


def test_a_shop_without_keys_sells_to_a_buyer_that_signs(stall: House, shop: Shop, buyer: Buyer) -> None:
    assert buyer.seller["url"] == f"{shop.adapter}/bpp/receiver"
    quoted = buyer.ask("select", {"contract": CONTRACT})
    assert amount(quoted) == Decimal(30)  # 120 kW for an hour at 25 p/kWh
    agreed = buyer.ask("init", {"contract": CONTRACT})["message"]["contract"]
    placed = buyer.ask("confirm", {"contract": agreed})["message"]["contract"]
    assert (placed["id"], placed["status"]["code"]) == (str(buyer.deal), "ACTIVE")

    wrong = json.loads(json.dumps(CONTRACT, default=str))
    wrong["commitments"][0]["offer"]["id"] = "morning"
    wrong["commitments"][0]["resources"][0]["quantity"]["unitQuantity"] = 1
    assert buyer.ask("select", {"contract": wrong})["error"]["errorCode"] == "BIZ_OFFER_NOT_FOUND"

    # Everything the shop was told came from the verified buyer, once; all it said was taken, and signed back.
    assert [one[:2] for one in shop.came] == [
        (word, "buyer.example") for word in ("select", "init", "confirm", "select")
    ]
    wait_until(lambda: len(shop.said) == 4)
    assert [(status, told["status"]) for status, told in shop.said] == [(200, "ACK")] * 4
    assert (
        stall.rows("select receipt_proof, state, attempts from beckn_outboxmessage") == [("SIGNED", "DELIVERED", 1)] * 4
    )
    assert stall.rows("select state, application_status from beckn_inboxmessage") == [("HANDLED", 200)] * 4
    # The market knows nothing of it, and nobody speaks for the shop without the secret.
    assert stall.rows("select count(*) from marketplace_order") == [(0,)]
    assert requests.post(f"{shop.adapter}/bpp/caller/on_status", json={}, timeout=10).status_code == 401
    assert requests.post(f"{shop.adapter}/bpp/receiver/select", json={}, timeout=10).status_code == 401


def test_nothing_is_lost_when_the_buyer_is_away_or_we_are_killed(stall: House, shop: Shop, buyer: Buyer) -> None:
    # The buyer does not take the answer: the shop hears that it waits, and the worker brings it.
    away = WireError("NET_OVERLOADED", "Later.", http_status=503)
    refused: list[Received] = []

    def later(got: Received) -> tuple[int, bytes]:
        refused.append(buyer.door.received.pop())
        buyer.door.answer = None
        return buyer.door.nack(got, away)

    buyer.door.answer = later
    raw = buyer.request("select", {"contract": CONTRACT})
    buyer.send(raw)
    wait_until(lambda: buyer.answers(raw))
    assert [got.raw for got in refused] == [got.raw for got in buyer.answers(raw)]
    wait_until(lambda: shop.said)
    assert [(status, told["delivery"]) for status, told in shop.said] == [(202, "PENDING")]

    # We are killed while the shop is told something: the buyer, who was not answered, sends the same bytes again.
    dead = threading.Event()

    def killed(_: str) -> None:
        shop.before = lambda action: None
        stall.stop(signal.SIGKILL)
        dead.set()

    shop.before = killed
    raw = buyer.request("status", {"contract": quoted(buyer, raw)})
    with pytest.raises(EgressError):
        buyer.send(raw)
    assert dead.wait(20)
    stall.start()
    end_of_lease = "update beckn_inboxmessage set next_attempt_at = received_at where application_status = 0"
    stall.rows(end_of_lease)  # as time would bring it
    buyer.send(raw)
    assert [one[0] for one in shop.came] == ["select", "status", "status"]
    assert len({one[2] for one in shop.came}) == 2
    assert stall.rows("select state, application_status, attempts from beckn_inboxmessage where action = 'status'") == [
        ("HANDLED", 200, 2)
    ]
    wait_until(lambda: len(shop.said) == 2)
    assert [(got.path, got.told["message"]["contract"]["status"]["code"]) for got in buyer.answers(raw)] == [
        ("/bap/on_status", "ACTIVE")
    ]


def quoted(buyer: Buyer, raw: bytes) -> dict[str, Any]:
    """The contract in the answer to a request."""
    contract: dict[str, Any] = buyer.answers(raw)[0].told["message"]["contract"]
    return contract


@pytest.fixture
def desk() -> Iterator[Application]:
    one = Application()
    with one.listening():
        yield one


@pytest.fixture
def exchange(tmp_path: Path, desk: Application) -> Iterator[House]:
    """A data centre's market with one offer on sale, whose buyer's side is shared by the market and a trading desk."""
    named = {"BECKN_BAP_APPLICATION": desk.url, "BECKN_BAP_URL": "{base}/bap/receiver"}
    house = opened(tmp_path / "exchange", desk, **named)
    house.run(SALE)
    yield house
    house.close()
    assert "Traceback" not in house.log()


def test_a_desk_without_keys_buys_beside_the_market_under_one_name(exchange: House, desk: Application) -> None:
    at_once = threading.Thread(target=exchange.run, args=(PURCHASE,))
    at_once.start()
    context = {
        "version": "2.0.0",
        "networkId": "caco.example/flex-dev",
        "bapId": "spare-buyer.example",
        "bppId": "seller.example",
        "transactionId": str(uuid.uuid4()),
    }

    def ask(action: str, message: dict[str, Any]) -> dict[str, Any]:
        receipt = desk.say(action, exact(message), context | {"messageId": str(uuid.uuid4())})
        assert receipt["status"] == "ACK", receipt
        wait_until(lambda: desk.heard(f"on_{action}"))
        (told,) = desk.heard(f"on_{action}")
        assert "error" not in told, told
        found: dict[str, Any] = told["message"]
        return found

    (choice,) = deal.choices(ask("discover", {"intent": {}})["catalogs"])
    message = deal.select_message(choice, kw=Decimal(50), buyer="spare-buyer.example")
    for step in ("select", "init", "confirm"):
        message = deal.again(ask(step, message)["contract"])
    at_once.join()

    # One seller, one buyer's name, two deals: each owner was told of its own, and only of its own.
    sold = exchange.rows("select transaction_id, state from marketplace_order order by state")
    ours, market = (
        uuid.UUID(context["transactionId"]).hex,
        exchange.rows("select transaction_id from marketplace_purchase"),
    )
    assert sorted(sold) == sorted([(ours, "CONFIRMED"), (market[0][0], "ACTIVE")])
    assert exchange.rows("select state from marketplace_purchase") == [("ACTIVE",)]
    steps = ("on_discover", "on_select", "on_init", "on_confirm")
    assert [(action, sender) for action, sender, _ in desk.came] == [(step, "seller.example") for step in steps]
    assert {one["context"]["transactionId"] for one in desk.told} == {context["transactionId"]}
    taken = "select application_status, count(*) from beckn_inboxmessage where role = 'bap' and transaction_id = ? group by 1"
    assert exchange.rows(taken, ours) == [(200, 4)]
    theirs = "select action, application_status from beckn_inboxmessage where role = 'bap' and transaction_id <> ?"
    asked = ("confirm", "discover", "init", "rate", "select", "support", "track", "update")
    assert sorted(exchange.rows(theirs, ours)) == [(f"on_{action}", None) for action in asked]


def exact(message: dict[str, Any]) -> Any:
    """A message as plain JSON, for a client that knows no Decimal."""
    return json.loads(json.dumps(message, default=float))
