"""The adapter as an application and its peers see it: a real uvicorn and real sockets, an application that obeys or does not."""

from __future__ import annotations

import http.client
import json
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from beckn import egress
from beckn.testing import Listener, Participant
from beckn.testing.listener import Received
from beckn.wire import body, receipts, signing
from tests.unit.beckn.adapter.words import CONTRACT, raw, told
from tests.unit.beckn.installation import Installation
from tests.unit.beckn.messages import CONTRACT as EXACT

SECRET = "a-secret-between-us-and-our-applications"
US = {"bapId": "grid.caco.local"}
MARKETS = """
import uuid
from beckn import outbox, registry
from django.db import transaction
with transaction.atomic():
    outbox.send(role="bap", action="discover", message={{"intent": {{}}}}, to={to!r}, transaction_id=uuid.UUID({deal!r}))
"""


class Peers:
    """A buyer, a seller and the registry that names both; and the application."""

    def __init__(self, buyer: Listener, seller: Listener, application: Listener) -> None:
        self.buyer, self.seller, self.application = buyer, seller, application


@pytest.fixture(scope="module")
def peers() -> Iterator[Peers]:
    with (
        Listener(Participant("bap", "buyer.example")).listening() as buyer,
        Listener(Participant("bpp", "seller.example")).listening() as seller,
        Listener(Participant("bpp", "no-participant")).listening() as application,
    ):
        buyer.directory = [buyer.participant.subscription(), seller.participant.subscription()]
        yield Peers(buyer, seller, application)


@pytest.fixture(scope="module")
def house(peers: Peers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation whose both sides have an application behind them; its door open."""
    one = Installation(tmp_path_factory.mktemp("house"), registry_url=f"{peers.buyer.base}/registry")
    one.env |= {
        "BECKN_ADAPTER": "yes",
        "BECKN_ADAPTER_SECRET": SECRET,
        "BECKN_BAP_APPLICATION": f"{peers.application.base}/buying/",
        "BECKN_BPP_APPLICATION": f"{peers.application.base}/selling",
        "BECKN_BPP_URL": f"http://127.0.0.1:{one.port}/bpp/receiver",
    }
    one.set_up()
    one.sweep()  # learns who is on the network
    one.start()
    yield one
    one.stop()
    assert "Traceback" not in one.log()


@pytest.fixture(autouse=True)
def quiet(peers: Peers) -> None:
    """Everybody acknowledges, and nobody remembers."""
    for one in (peers.buyer, peers.seller, peers.application):
        one.answer = None
        one.received.clear()
    peers.application.answer = lambda _: (200, b'{"message":{"ack":{"status":"ACK"}}}')


def base(house: Installation) -> str:
    return house.url.removesuffix("/beckn")


def call(house: Installation, given: bytes, path: str = "bap/caller/select", **headers: str) -> egress.Answer:
    sent = {"Content-Type": "application/json", "Authorization": f"Bearer {SECRET}"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    named = {name: value for name, value in sent.items() if value}
    return egress.exchange("POST", f"{base(house)}/{path}", given, headers=named, largest=10**6)


def select(peers: Peers, **head: Any) -> bytes:
    return raw("select", **(US | {"bppId": "seller.example"} | head))


def request(peers: Peers, house: Installation, **change: Any) -> dict[str, Any]:
    made: dict[str, Any] = peers.buyer.participant.envelope("select", {"contract": EXACT}, **change)
    return made


def send(peers: Peers, house: Installation, given: dict[str, Any] | bytes, path: str = "bpp/receiver") -> egress.Answer:
    return peers.buyer.participant.post(f"{base(house)}/{path}", given)


# --- the unsigned side


def test_an_application_speaks_and_reads_the_peers_receipt(house, peers):
    answer = call(house, select(peers))
    (got,) = peers.seller.received
    assert (answer.status, answer.headers["x-beckn-receipt"]) == (200, "SIGNED")
    assert receipts.read(answer.body).status == "ACK"
    (key,) = house.rows("select public_key from beckn_subscriber where subscriber_id = 'grid.caco.local'")[0]
    signing.verify(signing.parse(got.headers["authorization"]), got.raw, key)
    assert receipts.is_countersigned(
        answer.body,
        request=got.raw,
        message_id=got.told["context"]["messageId"],
        public_key=peers.seller.participant.signer.public_key,
    )


def test_copies_at_the_same_moment_are_said_once_and_all_read_the_receipt(house, peers):
    gate = threading.Event()

    def late(got: Received) -> tuple[int, bytes]:
        gate.wait(5)
        return peers.seller.ack(got)

    peers.seller.answer = late
    given = select(peers)
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(call, house, given) for _ in range(8)]
        wait_until(lambda: peers.seller.received)
        gate.set()
        answers = [one.result() for one in waiting]
    assert {(one.status, receipts.read(one.body).status) for one in answers} == {(200, "ACK")}
    assert len({one.body for one in answers}) == 1
    assert len(peers.seller.received) == 1


def wait_until(done: Any) -> None:
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer wrong", f"Basic {SECRET}", 'Signature keyId="x"'])
def test_nobody_speaks_in_our_name_without_the_secret(house, peers, authorization):
    answer = call(house, select(peers), Authorization=authorization)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Bearer realm="caller"')
    assert "BECKN_ADAPTER_SECRET" in json.loads(answer.body)["detail"]
    assert SECRET.encode() not in answer.body
    assert peers.seller.received == []


@pytest.mark.parametrize(
    ("given", "path", "headers", "status", "code"),
    [
        (b"{", "bap/caller/select", {}, 400, "SCH_INVALID_JSON"),
        (b"[" * 100_000, "bap/caller/select", {}, 400, "SCH_INVALID_JSON"),
        (b"{}", "bap/caller/select", {"Content_Type": "text/plain"}, 415, "SCH_INVALID_FORMAT"),
        (b"{}", "bap/caller/select", {"Content_Encoding": "gzip"}, 415, "SCH_INVALID_FORMAT"),
        (b"{}", "bap/caller/barter", {}, 404, "NET_NOT_IMPLEMENTED"),
        (b"{}", "bap/caller/on_select", {}, 404, "NET_NOT_IMPLEMENTED"),
    ],
)
def test_what_cannot_be_said_is_refused_in_the_words_of_a_receipt(house, given, path, headers, status, code):
    answer = call(house, given, path, **headers)
    assert (answer.status, receipts.read(answer.body)) == (status, receipts.Receipt("NACK", code, words(answer)))


def test_a_body_may_be_so_long_and_no_longer(house):
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=10)
    connection.putrequest("POST", "/bap/caller/select")
    for name, value in (("Content-Type", "application/json"), ("Authorization", f"Bearer {SECRET}")):
        connection.putheader(name, value)
    connection.putheader("Content-Length", str(1024 * 1024 + 1))
    connection.endheaders(b"{")
    assert connection.getresponse().status == 413
    connection.close()


def words(answer: egress.Answer) -> str:
    return str(json.loads(answer.body)["error"]["errorMessage"])


def test_we_do_not_speak_as_somebody_else(house, peers):
    answer = call(house, select(peers, bapId="buyer.example"))
    assert (answer.status, receipts.read(answer.body).code) == (403, "AUT_UNAUTHORIZED_ACTION")
    assert peers.seller.received == []


def test_other_addresses_and_methods(house):
    assert call(house, b"{}", "ds/caller/discover").status == 404
    assert call(house, b"{}", "bap/caller/").status == 404
    asked = egress.exchange(
        "GET", f"{base(house)}/bap/caller/select", b"", headers={"Authorization": f"Bearer {SECRET}"}, largest=10**6
    )
    assert (asked.status, asked.headers["allow"]) == (405, "POST")


# --- the signed side


def test_a_request_goes_to_the_application_as_it_came_and_its_yes_is_signed_by_us(house, peers):
    given = body.dump(request(peers, house))
    answer = send(peers, house, given)
    (got,) = peers.application.received
    assert (got.path, got.raw) == ("/selling/select", given)
    assert got.headers["x-beckn-subscriber"] == "buyer.example"
    assert got.headers["authorization"] == f"Bearer {SECRET}"
    assert (answer.status, receipts.read(answer.body).status) == (200, "ACK")
    (key,) = house.rows("select public_key from beckn_subscriber where subscriber_id = 'market.caco.local'")[0]
    assert receipts.is_countersigned(
        answer.body, request=given, message_id=got.told["context"]["messageId"], public_key=key
    )
    house.sweep()
    assert states(house, given) == [("HANDLED", 200)]
    assert house.rows("select count(*) from beckn_outboxmessage where answers_id is not null") == [(0,)]


def states(house: Installation, given: bytes) -> list[tuple[Any, ...]]:
    message_id = uuid.UUID(body.parse(given)["context"]["messageId"]).hex
    query = "select state, application_status from beckn_inboxmessage where message_id = ?"
    return house.rows(query, message_id)


def test_copies_are_handed_over_once_and_get_the_same_receipt(house, peers):
    gate = threading.Event()

    def late(_: Received) -> tuple[int, bytes]:
        gate.wait(5)
        return 200, b'{"status":"ACK"}'

    peers.application.answer = late
    given = body.dump(request(peers, house))
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(send, peers, house, given) for _ in range(8)]
        wait_until(lambda: peers.application.received)
        gate.set()
        answers = [one.result() for one in waiting]
    assert {(one.status, receipts.read(one.body).status) for one in answers} == {(200, "ACK")}
    assert len({one.body for one in [*answers, send(peers, house, given)]}) == 1
    assert len(peers.application.received) == 1


def test_its_no_is_ours_with_its_words_and_stays_a_no(house, peers):
    no = {"error": {"code": "BIZ_OFFER_NOT_FOUND", "message": "There is no\u0007 o1."}}
    peers.application.answer = lambda _: (422, json.dumps({"status": "NACK"} | no).encode())
    given = body.dump(request(peers, house))
    first = send(peers, house, given)
    assert (first.status, receipts.read(first.body).code, words(first)) == (
        400,
        "BIZ_OFFER_NOT_FOUND",
        "There is no o1.",
    )
    again = send(peers, house, given)
    assert (again.status, again.body) == (first.status, first.body)
    assert len(peers.application.received) == 1
    assert states(house, given) == [("REFUSED", 400)]


def test_it_cannot_make_us_say_that_a_verified_sender_is_not(house, peers):
    no = {"status": "NACK", "error": {"code": "AUT_SIGNATURE_INVALID", "message": "no"}}
    peers.application.answer = lambda _: (401, json.dumps(no).encode())
    answer = send(peers, house, request(peers, house))
    assert (answer.status, "www-authenticate" in answer.headers) == (400, False)
    assert receipts.read(answer.body).code == "POL_ENGAGEMENT_REFUSED"


@pytest.mark.parametrize(
    "reply",
    [(500, b'{"status":"ACK"}'), (200, b""), (200, b"<html>"), (302, b""), (429, b'{"status":"NACK"}'), (404, b"")],
)
def test_no_receipt_of_its_is_none_of_ours_and_the_next_copy_is_handed_over_again(house, peers, reply):
    peers.application.answer = lambda _: reply
    given = body.dump(request(peers, house))
    answer = send(peers, house, given)
    assert (answer.status, receipts.read(answer.body).code) == (503, "NET_DOWNSTREAM_UNAVAILABLE")
    assert answer.headers["retry-after"] == "1"
    assert peers.application.base.encode() not in answer.body
    assert states(house, given) == [("RECEIVED", 0)]
    peers.application.answer = lambda _: (200, b'{"status":"ACK"}')
    assert send(peers, house, given).status == 200
    assert len(peers.application.received) == 2


def test_the_same_id_with_another_body_is_a_conflict(house, peers):
    given = request(peers, house)
    assert send(peers, house, given).status == 200
    given["context"]["ttl"] = "PT31S"
    answer = send(peers, house, given)
    assert (answer.status, receipts.read(answer.body).code) == (400, "CTX_MESSAGE_ID_DUPLICATE")
    assert len(peers.application.received) == 1


def test_what_is_not_signed_never_reaches_it(house, peers):
    given = body.dump(request(peers, house))
    wrong = {"Authorization": peers.seller.participant.authorization(given)}
    for headers in ({}, {"Authorization": f"Bearer {SECRET}"}, wrong):
        sent = {"Content-Type": "application/json"} | headers
        answer = egress.exchange("POST", f"{base(house)}/bpp/receiver/select", given, headers=sent, largest=10**6)
        assert answer.status == 401
    assert peers.application.received == []


def test_a_preview_reaches_nobody(house, peers):
    given = request(peers, house)
    given["context"]["try"] = True
    answer = send(peers, house, given)
    assert (answer.status, receipts.read(answer.body).status) == (409, "ACK")
    assert peers.application.received == []


def test_the_market_goes_on_at_its_own_address_and_keeps_its_deals(house, peers):
    given = request(peers, house)
    assert send(peers, house, given, "beckn/bpp").status == 200
    deal = uuid.UUID(given["context"]["transactionId"])
    assert send(peers, house, request(peers, house, transaction_id=deal)).status == 200
    assert peers.application.received == []
    kinds = house.rows("select application_status from beckn_inboxmessage where transaction_id = ?", deal.hex)
    assert kinds == [(None,), (None,)]


def test_a_deal_that_began_with_the_application_stays_with_it(house, peers):
    given = request(peers, house)
    deal = uuid.UUID(given["context"]["transactionId"])
    assert send(peers, house, given).status == 200
    assert send(peers, house, request(peers, house, transaction_id=deal), "beckn/bpp").status == 200
    assert [got.path for got in peers.application.received] == ["/selling/select"] * 2


def callback(peers: Peers, sent: Received | dict[str, Any], action: str = "on_select") -> dict[str, Any]:
    context = (sent.told if isinstance(sent, Received) else sent)["context"]
    message: dict[str, Any] = {"catalogs": []} if action == "on_discover" else {"contract": EXACT}
    made: dict[str, Any] = peers.seller.participant.envelope(action, message)
    made["context"] |= {name: context[name] for name in ("transactionId", "messageId")}
    return made


@pytest.mark.parametrize("path", ["bap/receiver", "beckn/bap"])
def test_the_answer_to_an_application_goes_to_the_application(house, peers, path):
    assert call(house, select(peers)).status == 200
    (sent,) = peers.seller.received
    given = callback(peers, sent)
    assert peers.seller.participant.post(f"{base(house)}/{path}", given).status == 200
    (got,) = peers.application.received
    assert (got.path, got.told) == ("/buying/on_select", given)


def test_the_answer_to_the_market_goes_to_the_market(house, peers):
    deal = uuid.uuid4()
    house.run(MARKETS.format(to="seller.example", deal=str(deal)))
    house.sweep()
    (sent,) = peers.seller.received
    assert (
        peers.seller.participant.post(f"{base(house)}/bap/receiver", callback(peers, sent, "on_discover")).status == 200
    )
    assert peers.application.received == []
    query = "select state, application_status from beckn_inboxmessage where transaction_id = ?"
    assert house.rows(query, deal.hex) == [("RECEIVED", None)]


def test_a_callback_that_nobody_asked_for_is_the_markets_to_refuse(house, peers):
    given = callback(peers, told("select"))
    assert peers.seller.participant.post(f"{base(house)}/bap/receiver", given).status == 200
    assert peers.application.received == []


def test_an_application_may_answer_before_it_has_said_yes(house, peers):
    answers: list[egress.Answer] = []

    def eager(got: Received) -> tuple[int, bytes]:
        context = got.told["context"]
        ids = {name: context[name] for name in ("bapId", "bapUri", "bppId", "transactionId", "messageId")}
        answers.append(call(house, raw("on_select", {"contract": CONTRACT}, **ids), "bpp/caller/on_select"))
        return 200, b'{"status":"ACK"}'

    peers.application.answer = eager
    assert send(peers, house, request(peers, house)).status == 200
    assert [one.status for one in answers] == [200]
    assert [got.path for got in peers.buyer.received] == ["/bap/on_select"]


# --- closed, and near


@pytest.fixture
def plain(peers: Peers, house: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The same installation behind another door, with settings of its own."""
    one = Installation(house.var, registry_url=f"{peers.buyer.base}/registry")
    yield one
    one.stop()
    assert "Traceback" not in one.log()


def test_nothing_is_there_unless_it_is_asked_for(plain, peers):
    plain.start()
    for path in ("bap/caller/select", "bpp/caller/on_select", "bap/receiver/on_select", "bpp/receiver/select"):
        assert call(plain, select(peers), path).status == 404
    assert peers.seller.received == []


def test_from_a_named_network_no_secret_is_needed_but_no_proxy_and_no_browser_is_believed(plain, peers):
    plain.env |= {"BECKN_ADAPTER": "yes", "BECKN_ADAPTER_NETWORKS": "127.0.0.0/8"}
    plain.start()
    assert call(plain, select(peers), Authorization="").status == 200
    for header in ("X_Forwarded_For", "Origin"):
        assert call(plain, select(peers), Authorization="", **{header: "127.0.0.1"}).status == 401


def test_without_an_application_the_receiver_is_the_door_as_ever(plain, peers):
    plain.env |= {"BECKN_ADAPTER": "yes"}
    plain.start()
    given = body.dump(request(peers, plain))
    assert send(peers, plain, given).status == 200
    assert states(plain, given) == [("RECEIVED", None)]
    assert peers.application.received == []
