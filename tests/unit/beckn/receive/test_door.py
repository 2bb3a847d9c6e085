"""The door as its peers see it: a real uvicorn, real sockets, another installation's registry, and kill -9."""

from __future__ import annotations

import hashlib
import http.client
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from beckn import egress
from beckn.testing import Listener, Participant
from beckn.wire import body, receipts
from tests.unit.beckn.installation import Installation
from tests.unit.beckn.messages import CONTRACT


@pytest.fixture(scope="module")
def peer() -> Iterator[Listener]:
    """A buyer that listens and keeps the registry in which the installation looks it up."""
    with Listener(Participant("bap", "buyer.example")).listening() as listener:
        listener.directory = [listener.participant.subscription()]
        yield listener


@pytest.fixture(scope="module")
def house(peer: Listener, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The installation, its door open."""
    one = Installation(tmp_path_factory.mktemp("house"), registry_url=f"{peer.base}/registry")
    one.set_up()
    one.start()
    yield one
    one.stop()
    assert "Traceback" not in one.log()


@pytest.fixture
def buyer(house: Installation, peer: Listener) -> Participant:
    if house.process is None:
        house.start()
    return peer.participant


def confirm(buyer: Participant, **change: Any) -> dict[str, Any]:
    return buyer.envelope("confirm", {"contract": CONTRACT}, **change)


def select(buyer: Participant) -> dict[str, Any]:
    return buyer.envelope("select", {"contract": CONTRACT})


def ask(house: Installation, raw: bytes, headers: dict[str, str], path: str = "bpp/confirm", method: str = "POST"):
    sent = {"Content-Type": "application/json"} | headers
    return egress.exchange(method, f"{house.url}/{path}", raw, headers=sent, largest=10**6)


def code_of(answer: egress.Answer) -> str:
    told = body.parse(answer.body)
    assert told["status"] == told["message"]["status"] == "NACK"
    assert told["error"]["errorCode"] == told["message"]["error"]["code"]
    return str(told["error"]["errorCode"])


def count(house: Installation) -> int:
    return int(house.rows("select count(*) from beckn_inboxmessage")[0][0])


def test_an_ack_means_stored_and_is_signed_back(house, buyer):
    told = confirm(buyer)
    raw = body.dump(told)
    answer = buyer.post(f"{house.url}/bpp", raw)
    assert answer.status == 200
    assert receipts.read(answer.body).status == "ACK"
    ((public_key,),) = house.rows("select public_key from beckn_subscriber where role = 'bpp'")
    assert receipts.is_countersigned(
        answer.body, request=raw, message_id=told["context"]["messageId"], public_key=public_key
    )
    rows = house.rows(
        "select raw, state, subscriber_id, receipt from beckn_inboxmessage where message_id = ?",
        uuid.UUID(told["context"]["messageId"]).hex,
    )
    assert rows == [(raw, "RECEIVED", "buyer.example", answer.body)]


def test_copies_at_the_same_moment_are_one_message_with_one_receipt(house, buyer):
    before = count(house)
    raw = body.dump(confirm(buyer))
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: buyer.post(f"{house.url}/bpp", raw), range(64)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    assert count(house) == before + 1


def test_the_same_id_with_another_body_is_refused(house, buyer):
    told = confirm(buyer)
    assert buyer.post(f"{house.url}/bpp", told).status == 200
    told["context"]["ttl"] = "PT31S"
    answer = buyer.post(f"{house.url}/bpp", told)
    assert (answer.status, code_of(answer)) == (400, "CTX_MESSAGE_ID_DUPLICATE")


def authorized(buyer: Participant, raw: bytes, **options: Any) -> dict[str, str]:
    return {"Authorization": buyer.authorization(raw, **options)}


@pytest.mark.parametrize("age_s", [301, 3600, -60])
def test_a_stale_or_future_signature_is_refused(house, buyer, age_s):
    raw = body.dump(confirm(buyer))
    answer = ask(house, raw, authorized(buyer, raw, at=timezone.now() - timedelta(seconds=age_s)))
    assert (answer.status, code_of(answer)) == (401, "AUT_SIGNATURE_INVALID")
    assert answer.headers["www-authenticate"].startswith('Signature realm="market.caco.local"')


def test_no_signature_a_wrong_signer_and_a_stranger_are_refused(house, buyer):
    raw = body.dump(confirm(buyer))
    assert code_of(ask(house, raw, {})) == "AUT_SIGNATURE_MISSING"
    stranger = Participant("bap", "stranger.example")
    answer = ask(house, raw, authorized(stranger, raw))
    assert (answer.status, code_of(answer)) == (401, "AUT_SUBSCRIBER_NOT_FOUND")
    imposter = Participant("bap", "buyer.example")
    answer = ask(house, raw, authorized(imposter, raw))
    assert (answer.status, code_of(answer)) == (401, "AUT_SIGNATURE_INVALID")
    told = confirm(buyer)
    told["context"]["bapId"] = "other.example"
    assert code_of(buyer.post(f"{house.url}/bpp", told)) == "AUT_UNAUTHORIZED_ACTION"


def test_a_tampered_body_is_refused_and_leaves_nothing(house, buyer):
    before = count(house)
    raw = body.dump(confirm(buyer))
    headers = authorized(buyer, raw)
    for other in (raw.replace(b"1200.5", b"1200.6"), raw + b"\n", raw[:-1]):
        assert code_of(ask(house, other, headers)) == "AUT_SIGNATURE_INVALID"
    assert count(house) == before


def test_a_signed_message_that_is_wrong_is_named(house, buyer):
    wrong = confirm(buyer)
    wrong["message"]["contract"] = CONTRACT | {"id": "order-1"}
    answer = buyer.post(f"{house.url}/bpp", wrong)
    assert (answer.status, code_of(answer)) == (400, "SCH_INVALID_FORMAT")
    told = body.parse(answer.body)["message"]
    assert told["error"]["details"]["path"] == "/message/contract/id"
    assert told["messageId"] == wrong["context"]["messageId"]
    assert code_of(buyer.post(f"{house.url}/bpp", b'{"context":', "confirm")) == "SCH_INVALID_JSON"
    assert code_of(buyer.post(f"{house.url}/bpp", confirm(buyer), "select")) == "CTX_ACTION_MISMATCH"
    old = confirm(buyer, at=timezone.now() - timedelta(seconds=40))
    assert code_of(buyer.post(f"{house.url}/bpp", old)) == "CTX_TTL_EXPIRED"


def test_an_action_without_a_handler_is_known_but_not_served(house, buyer):
    answer = buyer.post(f"{house.url}/ds", b"{}", "catalog/subscription")  # another room answers it, at once
    assert (answer.status, code_of(answer)) == (400, "NET_NOT_IMPLEMENTED")


@pytest.mark.parametrize(
    "path", ["bpp/barter", "bpp/on_confirm", "bap/confirm", "bpp/confirm/", "bpp/../bpp/confirm", "bg/search", "bpp/"]
)
def test_an_unknown_address_is_not_found(house, buyer, path):
    answer = ask(house, b"{}", {}, path)
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_only_posts_of_plain_json_are_taken(house, buyer):
    raw = body.dump(confirm(buyer))
    headers = authorized(buyer, raw)
    answer = ask(house, b"", {}, method="GET")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    for kind in ("text/plain", "", "application/json; charset=latin-1", "application/x-www-form-urlencoded"):
        answer = ask(house, raw, headers | {"Content-Type": kind})
        assert (answer.status, code_of(answer)) == (415, "SCH_INVALID_FORMAT")
    assert ask(house, raw, headers | {"Content-Encoding": "gzip"}).status == 415
    assert ask(house, raw, headers | {"Content-Type": 'application/json; charset="UTF-8"'}).status == 200


def test_a_body_past_the_limit_is_refused_declared_or_not(house, buyer):
    answer = ask(house, b"", {"Content-Length": str(10**9)})
    assert (answer.status, code_of(answer)) == (413, "SCH_INVALID_FORMAT")
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=10)
    chunks = (b"x" * 65536 for _ in range(100))
    headers = {"Content-Type": "application/json"}
    try:
        connection.request("POST", "/beckn/bpp/confirm", body=chunks, headers=headers, encode_chunked=True)
        status = connection.getresponse().status
    except (BrokenPipeError, ConnectionResetError):  # it stopped listening before we stopped talking
        status = 413
    assert status == 413
    connection.close()


def test_two_authorization_headers_are_refused(house, buyer):
    raw = body.dump(confirm(buyer))
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=10)
    connection.putrequest("POST", "/beckn/bpp/confirm")
    for name, value in [("Content-Type", "application/json"), ("Content-Length", str(len(raw)))]:
        connection.putheader(name, value)
    for _ in range(2):
        connection.putheader("Authorization", buyer.authorization(raw))
    connection.endheaders(raw)
    answer = connection.getresponse()
    assert answer.status == 401
    assert b"2 times" in answer.read()
    connection.close()


def test_a_revoked_key_is_refused_at_once_though_it_is_remembered(house, buyer):
    assert buyer.post(f"{house.url}/bpp", select(buyer)).status == 200
    house.rows("update beckn_subscriber set status = 'REVOKED' where subscriber_id = 'buyer.example'")
    answer = buyer.post(f"{house.url}/bpp", select(buyer))
    assert (answer.status, code_of(answer)) == (401, "AUT_KEY_EXPIRED_OR_REVOKED")
    house.rows("update beckn_subscriber set status = 'SUBSCRIBED' where subscriber_id = 'buyer.example'")
    assert buyer.post(f"{house.url}/bpp", select(buyer)).status == 200


@pytest.mark.parametrize("action", ["confirm", "cancel", "update"])
def test_a_key_revoked_in_another_registry_decides_nothing_from_that_moment(house, buyer, peer, action):
    def send(action: str) -> egress.Answer:
        return buyer.post(f"{house.url}/bpp", buyer.envelope(action, {"contract": CONTRACT}))

    assert send(action).status == 200
    (entry,) = peer.directory
    try:
        peer.directory = [entry | {"status": "UNSUBSCRIBED"}]
        answer = send(action)
        assert (answer.status, code_of(answer)) == (401, "AUT_KEY_EXPIRED_OR_REVOKED")
        assert send("select").status == 401  # and what was just learnt is not forgotten
    finally:
        peer.directory = [entry]
        house.rows("update beckn_subscriber set status = 'SUBSCRIBED' where subscriber_id = 'buyer.example'")
        house.stop()
        house.start()


def test_a_refusal_leaves_a_bounded_trace_that_says_what_was_wrong(house, buyer):
    raw = body.dump(confirm(buyer)).replace(b"PT30S", b"PT30X")
    answer = ask(house, raw, authorized(buyer, raw))
    assert (answer.status, code_of(answer)) == (400, "CTX_INVALID_FIELD")
    digest = hashlib.blake2b(raw, digest_size=64).hexdigest()
    query = "select claimed, address, status, code, pointer, size, beginning from beckn_refusedrequest where digest = ?"
    until = time.monotonic() + 10
    while not (found := house.rows(query, digest)) and time.monotonic() < until:
        time.sleep(0.02)
    assert found == [("buyer.example", "127.0.0.1", 400, "CTX_INVALID_FIELD", "/context/ttl", len(raw), raw[:512])]


def test_a_message_whose_worker_never_came_is_found_by_the_sweep(house, buyer, peer):
    told = buyer.envelope("discover", {"intent": {}})
    assert buyer.post(f"{house.url}/bpp", told).status == 200
    house.stop(signal.SIGKILL)
    message_id = told["context"]["messageId"]
    for _ in range(20):  # a sweep ends after seconds, and other tests have left messages before this one
        house.sweep()
        if answers := [one for one in peer.received if one.told["context"]["messageId"] == message_id]:
            break
    (got,) = answers
    assert (got.path, got.told["message"]) == ("/bap/on_discover", {"catalogs": []})
    state = house.rows("select state from beckn_inboxmessage where message_id = ?", uuid.UUID(message_id).hex)
    assert state == [("HANDLED",)]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_whatever_was_acknowledged_survives_the_end_of_the_process(house, buyer, how):
    acknowledged: list[str] = []
    enough = threading.Event()

    def talk(_: int) -> None:
        while not enough.is_set():
            told = confirm(buyer)
            try:
                answer = buyer.post(f"{house.url}/bpp", told)
            except egress.EgressError:
                return
            if answer.status == 200:
                acknowledged.append(told["context"]["messageId"])

    with ThreadPoolExecutor(8) as pool:
        talking = [pool.submit(talk, number) for number in range(8)]
        while len(acknowledged) < 100:
            enough.wait(0.01)
        house.stop(how)
        enough.set()
        for one in talking:
            one.result()
    held = {uuid.UUID(row[0]) for row in house.rows("select message_id from beckn_inboxmessage")}
    assert {uuid.UUID(one) for one in acknowledged} <= held
