"""The door as a peer of another profile sees it: over real sockets, with a house whose peers speak 1.1 or the newer drafts."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from beckn import egress
from beckn.testing import Listener, Participant
from beckn.wire import body, receipts, signing
from beckn.wire.v1 import adapter
from tests.unit.beckn.installation import Installation
from tests.unit.beckn.messages import CONTRACT

SENT = """
from django.utils import timezone
from beckn.models import OutboxMessage
now = timezone.now()
OutboxMessage.objects.create(
    role="bap", to="seller.example", action="confirm", profile="onix", message_id={message_id!r}, raw=b"",
    transaction_id={message_id!r}, created_at=now, next_attempt_at=now, state="DELIVERED", authorizations={authorizations!r},
)
"""


@pytest.fixture(scope="module")
def peers() -> Iterator[Listener]:
    """A registry that names a buyer and a seller."""
    with Listener(Participant("bap", "buyer.example")).listening() as listener:
        yield listener


@pytest.fixture(scope="module")
def house(peers: Listener, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One installation for all; its door opens anew for each profile."""
    one = Installation(tmp_path_factory.mktemp("house"), registry_url=f"{peers.base}/registry")
    one.set_up()
    yield one
    one.stop()
    assert "Traceback" not in one.log()


@pytest.fixture
def onix(house: Installation, peers: Listener) -> Installation:
    return opened(house, peers, "onix")


@pytest.fixture
def old(house: Installation, peers: Listener) -> Installation:
    return opened(house, peers, "v1")


@pytest.fixture
def pure(house: Installation, peers: Listener) -> Installation:
    return opened(house, peers, "lts-pure")


def opened(house: Installation, peers: Listener, profile: str) -> Installation:
    """The house, speaking `profile` with whoever comes."""
    peers.directory = [peers.participant.subscription()]
    if house.env.get("BECKN_PROFILE") != profile:
        house.stop()
        house.env["BECKN_PROFILE"] = profile
    if house.process is None:
        house.start()
    return house


def confirm(peers: Listener, **change: Any) -> dict[str, Any]:
    return peers.participant.envelope("confirm", {"contract": CONTRACT}, **change)


def our_key(house: Installation) -> str:
    ((key,),) = house.rows("select public_key from beckn_subscriber where role = 'bpp' and fetched_at is null")
    return str(key)


def is_proved(house: Installation, answer: egress.Answer, authorization: str) -> bool:
    """Whether the answer is signed in its header over its bytes and the request's signature."""
    found = signing.parse(answer.headers["signature"])
    text = signing.signing_string(answer.body, found.created, found.expires, answering=signing.value_of(authorization))
    return found.is_chained and signing.holds(found.value, text, our_key(house))


def post(house: Installation, peers: Listener, told: dict[str, Any], word: str = "") -> tuple[egress.Answer, str]:
    raw = body.dump(told)
    authorization = peers.participant.authorization(raw)
    path = word or told["context"]["action"]
    return egress.post(f"{house.url}/bpp/{path}", raw, headers={"Authorization": authorization}), authorization


def test_an_onix_peer_gets_its_receipt_signed_in_the_header(onix, peers):
    told = confirm(peers)
    answer, authorization = post(onix, peers, told)
    assert (answer.status, body.parse(answer.body)) == (
        200,
        {"message": {"status": "ACK", "messageId": told["context"]["messageId"]}},
    )
    assert is_proved(onix, answer, authorization)
    again, authorization = post(onix, peers, told)
    assert again.body == answer.body
    assert is_proved(onix, again, authorization)
    told["context"]["ttl"] = "PT31S"
    refused, authorization = post(onix, peers, told)
    assert refused.status == 409
    assert body.parse(refused.body)["message"]["error"]["code"] == "CTX_MESSAGE_ID_DUPLICATE"
    assert is_proved(onix, refused, authorization)


def test_an_onix_peer_may_use_what_is_forgiven_it_and_it_is_kept(onix, peers):
    told = confirm(peers)
    told["context"] |= {"version": "2.1.0", "senderId": told["context"].pop("bapId"), "try": True}
    answer, _ = post(onix, peers, told)
    assert (answer.status, receipts.read(answer.body).status) == (202, "ACK")
    held = onix.rows(
        "select tolerances, state from beckn_inboxmessage where message_id = ?",
        uuid.UUID(told["context"]["messageId"]).hex,
    )
    assert held == [('["sender-receiver", "version-2", "try"]', "HANDLED")]


def test_a_chained_callback_is_checked_against_what_we_sent(house, peers):
    seller = Participant("bpp", "seller.example")
    onix = opened(house, peers, "onix")
    peers.directory = [peers.participant.subscription(), seller.subscription()]
    told = seller.envelope("on_confirm", {"contract": CONTRACT})
    asked = seller.authorization(b"any header will do")
    raw = body.dump(told)

    def callback(answering: str) -> egress.Answer:
        from_seller = signing.sign(raw, seller.signer, now=timezone.now(), answering=answering)
        return egress.post(f"{onix.url}/bap/on_confirm", raw, headers={"Authorization": from_seller})

    assert callback(signing.value_of(asked)).status == 401  # we asked nothing
    onix.run(
        SENT.format(
            message_id=told["context"]["messageId"], authorizations=[seller.authorization(b"an attempt before"), asked]
        )
    )
    assert callback(signing.value_of(seller.authorization(b"another"))).status == 401
    assert callback(signing.value_of(asked)).status == 200


def test_a_peer_of_1_1_is_answered_in_its_words(old, peers):
    told = adapter.to_v1(peers.participant.envelope("discover", {"intent": {}}))
    answer, _ = post(old, peers, told)
    assert (answer.status, body.parse(answer.body)) == (200, {"message": {"ack": {"status": "ACK"}}})
    assert "signature" not in answer.headers
    held = old.rows(
        "select action, profile, raw from beckn_inboxmessage where message_id = ?",
        uuid.UUID(told["context"]["message_id"]).hex,
    )
    assert held == [("discover", "v1", body.dump(told))]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"action": "select"}, 400, "30000"),
        ({"version": "2.0.0"}, 400, "30000"),
        ({"timestamp": "2999-01-01T00:00:00Z"}, 400, "30000"),
        ({"bap_id": "other.example"}, 401, "30016"),
        ({"transaction_id": "x"}, 400, "30000"),
    ],
)
def test_a_refusal_to_a_peer_of_1_1_has_its_numbers(old, peers, change, status, code):
    told = adapter.to_v1(peers.participant.envelope("discover", {"intent": {}}))
    told["context"] |= change
    answer, _ = post(old, peers, told, "search")
    refused = body.parse(answer.body)
    assert (answer.status, refused["message"], refused["error"]["code"]) == (status, {"ack": {"status": "NACK"}}, code)
    assert next(iter(change)) in refused["error"]["paths"]


def test_a_stranger_at_an_address_of_1_1_is_refused_in_1_1(pure, peers):
    answer = egress.post(f"{pure.url}/bpp/search", b"{}", headers={})
    assert (answer.status, body.parse(answer.body)["error"]["code"]) == (401, "30016")
    answer = egress.post(f"{pure.url}/bpp/select", b"{}", headers={})
    assert set(body.parse(answer.body)) == {"status", "signature", "error"}


def test_a_peer_that_wants_lts_and_nothing_else_gets_that(pure, peers):
    told = confirm(peers)
    answer, _ = post(pure, peers, told)
    assert set(body.parse(answer.body)) == {"status", "signature"}
    assert receipts.is_countersigned(
        answer.body, request=body.dump(told), message_id=told["context"]["messageId"], public_key=our_key(pure)
    )
    answer, _ = post(pure, peers, adapter.to_v1(peers.participant.envelope("discover", {"intent": {}})))
    assert (answer.status, body.parse(answer.body)["error"]["errorCode"]) == (400, "CTX_VERSION_UNSUPPORTED")
