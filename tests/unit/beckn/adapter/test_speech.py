"""What an application has us say: what is signed, what is refused, and what becomes of it."""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from beckn import keys, outbox, registry, wake
from beckn.adapter import speech
from beckn.models import InboxMessage, OutboxMessage
from beckn.testing import Listener, Participant
from beckn.wire import body, receipts, signing
from beckn.wire.errors import WireError
from beckn.wire.profile import ONIX, PROFILES, V1
from tests.shared_data import shared
from tests.unit.beckn import application
from tests.unit.beckn.adapter.words import CONTRACT, raw, told

pytestmark = pytest.mark.django_db
US, THEM = "grid.caco.local", "seller.example"
BOTH: dict[str, Any] = {"bapId": US, "bppId": THEM}


@pytest.fixture(autouse=True)
def opened(settings) -> None:
    settings.BECKN_ADAPTER = True


def say(given: bytes, *, role: str = "bap", word: str = "select") -> OutboxMessage:
    pk, is_new = speech.say(given, role=role, word=word, now=timezone.now())
    if is_new:
        speech.deliver(pk, now=timezone.now())
    return OutboxMessage.objects.get(pk=pk)


def code_of(given: bytes | dict[str, Any], **named: str) -> str:
    with pytest.raises(WireError) as refused:
        say(given if isinstance(given, bytes) else json.dumps(given).encode(), **named)
    assert not OutboxMessage.objects.exists()
    return f"{refused.value.code} {refused.value.path}"


def test_it_is_said_in_our_words_signed_by_us_and_the_receipt_is_the_peers(seller, seller_door, settings):
    mine = raw("select", **BOTH, bapUri="http://127.0.0.1:3000/mine", schemaContext=["https://x.example/c"], extra="x")
    row = say(mine)
    (got,) = seller_door.received
    signing.verify(signing.parse(got.headers["authorization"]), got.raw, keys.own("bap").public_key)
    assert (got.path, got.raw) == ("/bpp/select", bytes(row.raw))
    assert got.raw != mine
    head, asked = got.told["context"], json.loads(mine)["context"]
    assert (head["bapId"], head["bapUri"]) == (US, settings.BECKN_PARTICIPANTS["bap"]["url"])
    assert (head["bppId"], head["bppUri"]) == (THEM, seller.url)
    assert all(head[name] == asked[name] for name in ("transactionId", "messageId", "schemaContext"))
    assert set(head) - set(asked) == {"bppUri"}
    assert "extra" not in head
    assert head["ttl"] == "PT3600S"
    assert got.told["message"] == body.parse(mine)["message"]
    said = speech.said(row.pk, now=timezone.now())
    assert said is not None
    assert (said.status, said.body, said.proof) == (200, bytes(row.receipt), "SIGNED")
    assert receipts.read(said.body).status == "ACK"


def test_the_same_bytes_are_said_once_and_others_under_their_id_never(seller, seller_door):
    mine = raw("select", **BOTH)
    first = say(mine)
    assert say(mine).pk == first.pk
    assert len(seller_door.received) == 1
    other = json.loads(mine)
    other["context"]["ttl"] = "PT31S"
    with pytest.raises(WireError, match="CTX_MESSAGE_ID_DUPLICATE"):
        say(json.dumps(other).encode())
    assert len(seller_door.received) == 1


def test_a_repeat_long_after_gets_the_first_receipt(seller, seller_door):
    mine = raw("select", **BOTH)
    pk = say(mine).pk
    assert speech.say(mine, role="bap", word="select", now=timezone.now() + timedelta(hours=5)) == (pk, False)


def test_a_message_of_the_market_is_not_repeated_in_an_applications_name(seller):
    row = outbox.send(
        role="bap", action="select", message={"contract": CONTRACT_EXACT}, to=THEM, transaction_id=uuid.uuid4()
    )
    with pytest.raises(WireError, match="CTX_MESSAGE_ID_DUPLICATE"):
        say(raw("select", **BOTH, messageId=str(row.message_id)))
    with pytest.raises(WireError, match="a deal of our own market"):
        say(raw("select", **BOTH, transactionId=str(row.transaction_id)))


CONTRACT_EXACT = body.parse(json.dumps(CONTRACT).encode())


@pytest.mark.parametrize(
    ("head", "refusal"),
    [
        ({"bapId": "other.example"}, "AUT_UNAUTHORIZED_ACTION /context/bapId"),
        ({"bapId": None}, "CTX_MISSING_FIELD /context/bapId"),
        ({"bppId": None}, "CTX_MISSING_FIELD /context/bppId"),
        ({"bppId": "nobody.example"}, "CTX_INVALID_FIELD /context/bppId"),
        ({"bppUri": "http://evil.example/bpp"}, "CTX_INVALID_BPP_URI /context/bppUri"),
        ({"bppUri": "http://[half"}, "CTX_INVALID_BPP_URI /context/bppUri"),
        ({"bppUri": 7}, "CTX_INVALID_BPP_URI /context/bppUri"),
        ({"action": "init"}, "CTX_ACTION_MISMATCH /context/action"),
        ({"version": "1.1.0"}, "CTX_VERSION_UNSUPPORTED /context/version"),
        ({"networkId": "other/net"}, "CTX_INVALID_FIELD /context/networkId"),
        ({"messageId": "7"}, "CTX_INVALID_FIELD /context/messageId"),
        ({"transactionId": None}, "CTX_MISSING_FIELD /context/transactionId"),
        ({"timestamp": "2020-01-01T00:00:00Z"}, "CTX_TTL_EXPIRED /context/ttl"),
        ({"timestamp": "2199-01-01T00:00:00Z"}, "CTX_INVALID_FIELD /context/timestamp"),
        ({"try": True}, "CTX_INVALID_FIELD /context/try"),
        ({"try": "yes"}, "CTX_INVALID_FIELD /context/try"),
        ({"domain": 7}, "CTX_INVALID_FIELD /context/domain"),
        ({"schemaContext": ["no uri at all"]}, "SCH_INVALID_FORMAT /context/schemaContext/0"),
    ],
)
def test_a_context_that_is_not_ours_to_say_is_refused(seller, head, refusal):
    assert code_of(raw("select", **(BOTH | head))) == refusal


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        (b"", "SCH_INVALID_JSON "),
        (b"[]", "SCH_INVALID_JSON "),
        (b"{}", "CTX_MISSING_FIELD /context"),
        (b'{"context": 7}', "CTX_MISSING_FIELD /context"),
        (b'{"context": {}, "context": {}}', "SCH_INVALID_JSON "),
        (b'{"context": {"messageId": NaN}}', "SCH_INVALID_JSON "),
        (b"[" * 5000, "SCH_INVALID_JSON "),
        (lambda: told("select", {}, **BOTH), "SCH_REQUIRED_FIELD_MISSING /message"),
        (lambda: told("select", {"contract": CONTRACT, "more": 1}, **BOTH), "SCH_FIELD_NOT_ALLOWED /message"),
        (
            lambda: told("select", {"contract": CONTRACT | {"id": "order-1"}}, **BOTH),
            "SCH_INVALID_FORMAT /message/contract/id",
        ),
        (lambda: told("select", **BOTH) | {"message": "x"}, "SCH_TYPE_NOT_SUPPORTED /message"),
        (lambda: told("select", **BOTH) | {"message": None}, "SCH_REQUIRED_FIELD_MISSING /message"),
        (lambda: told("select", **BOTH) | {"error": "x"}, "SCH_TYPE_NOT_SUPPORTED /error"),
    ],
)
def test_what_is_no_message_is_refused(seller, given, refusal):
    """Messages are made when they are sent: one made while tests are collected may be too old by its turn."""
    assert code_of(given() if callable(given) else given) == refusal


@pytest.mark.parametrize(
    ("role", "word"),
    [
        ("bpp", "select"),
        ("bap", "on_select"),
        ("bap", "barter"),
        ("bap", ""),
        ("bap", "on_subscribe"),
    ],
)
def test_a_role_sends_its_own_actions_only(seller, role, word):
    assert code_of(raw("select", **BOTH), role=role, word=word) == "NET_NOT_IMPLEMENTED /context/action"


def test_what_is_answered_at_once_is_not_carried(seller):
    assert (
        code_of(raw("catalog/subscription", {}), word="catalog/subscription") == "NET_NOT_IMPLEMENTED /context/action"
    )


def test_an_unreachable_peer_gets_it_later(seller, monkeypatch):
    woken: list[Any] = []
    monkeypatch.setattr(wake, "now", lambda *told: woken.append(told))
    row = say(raw("select", **BOTH))  # its seller listens nowhere
    said = speech.said(row.pk, now=timezone.now())
    assert said is not None
    assert (said.status, row.state, row.attempts) == (202, "PENDING", 1)
    told = json.loads(said.body)
    assert (told["delivery"], told["to"], told["messageId"]) == ("PENDING", THEM, str(row.message_id))
    assert "status" not in told  # nobody acknowledged anything
    with Listener(seller).listening() as listener:
        seller.register()
        assert outbox.deliver(row.pk, now=timezone.now() + timedelta(minutes=2)) == "DELIVERED"
        assert len(listener.received) == 1
    said = speech.said(row.pk, now=timezone.now())
    assert said is not None
    assert receipts.read(said.body).status == "ACK"


def test_a_first_attempt_that_was_never_made_is_made_by_the_sweep(seller, seller_door):
    pk, _ = speech.say(raw("select", **BOTH), role="bap", word="select", now=timezone.now())
    now = timezone.now()
    assert speech.said(pk, now=now) is None
    assert pk not in outbox.due(now=now, limit=10)
    later = now + outbox.LEASE
    assert pk in outbox.due(now=later, limit=10)
    assert outbox.deliver(pk, now=later) == "DELIVERED"


def test_a_peers_refusal_is_its_own_words_and_the_market_hears_nothing_of_it(seller, seller_door):
    seller_door.answer = lambda got: seller_door.nack(got, WireError("BIZ_OFFER_NOT_FOUND", "There is no o1."))
    row = say(raw("select", **BOTH))
    said = speech.said(row.pk, now=timezone.now())
    assert said is not None
    assert (said.status, receipts.read(said.body).code, row.state) == (400, "BIZ_OFFER_NOT_FOUND", "REFUSED")
    assert application.undelivered == []


def test_a_peer_that_answers_no_receipt_is_not_repeated_to_the_application(seller, seller_door):
    seller_door.answer = lambda got: (404, b"<html>the inside of somebody's network</html>")
    said = speech.said(say(raw("select", **BOTH)).pk, now=timezone.now())
    assert said is not None
    assert said.status == 502
    assert b"inside" not in said.body


@pytest.fixture
def service(installed, settings) -> Iterator[Listener]:
    """A discovery service that we search."""
    with Listener(Participant("ds", "discovery.example")).listening() as listener:
        listener.participant.register()
        settings.BECKN_DISCOVERY_ID = "discovery.example"
        yield listener


def test_a_search_goes_to_the_discovery_service(service):
    say(raw("discover", {"intent": {}}, bapId=US), word="discover")
    (got,) = service.received
    assert got.path == "/ds/discover"
    assert "bppId" not in got.told["context"]


def test_a_search_that_names_a_seller_goes_to_that_seller(service, seller, seller_door):
    say(raw("discover", {"intent": {}}, **BOTH), word="discover")
    assert [got.path for got in seller_door.received] == ["/bpp/discover"]
    assert service.received == []


def test_a_search_for_nobody_says_so(seller):
    assert code_of(raw("discover", {"intent": {}}, bapId=US), word="discover") == "NET_NOT_IMPLEMENTED "


@pytest.mark.parametrize("word", ["catalog/publish", "publish"])
def test_a_catalogue_is_published_under_either_name(service, word):
    catalogue = {
        "id": "c",
        "descriptor": {"name": "c"},
        "provider": {"id": "p", "descriptor": {"name": "p"}},
        "offers": [],
    }
    mine = raw(word, {"catalogs": [catalogue]}, bppId="market.caco.local")
    say(mine, role="bpp", word=word)
    (got,) = service.received
    assert (got.path, got.told["context"]["action"]) == ("/ds/catalog/publish", "catalog/publish")


# --- the seller's application answers


def asked(buyer: Participant, *, by: str = "select", status: int | None = 200) -> InboxMessage:
    """A request in our inbox, handed to the application (or not, with None)."""
    now = timezone.now()
    return InboxMessage.objects.create(
        role="bpp", subscriber_id=buyer.signer.subscriber_id, action=by, message_id=uuid.uuid4(), transaction_id=uuid.uuid4(),
        authorization=buyer.authorization(b"{}"), public_key=buyer.signer.public_key, raw=b"{}", digest="d", receipt=b"r",
        received_at=now, next_attempt_at=now, state="HANDLED", application_status=status,
    )  # fmt: skip


def answer(row: InboxMessage, word: str = "on_select", **head: Any) -> bytes:
    ids = {"transactionId": str(row.transaction_id), "messageId": str(row.message_id)}
    return raw(word, **({"bppId": "market.caco.local", "bapId": row.subscriber_id} | ids | head))


def test_it_answers_what_it_was_asked(buyer, buyer_door):
    row = say(answer(asked(buyer)), role="bpp", word="on_select")
    (got,) = buyer_door.received
    assert (got.path, row.state) == ("/bap/on_select", "DELIVERED")


def test_an_answer_to_a_peer_that_chains_names_what_it_answers(buyer, buyer_door):
    registry.set_profile("buyer.example", ONIX)
    question = asked(buyer)
    say(answer(question), role="bpp", word="on_select")
    (got,) = buyer_door.received
    found = signing.parse(got.headers["authorization"])
    text = signing.signing_string(
        got.raw, found.created, found.expires, answering=signing.value_of(question.authorization)
    )
    assert found.is_chained
    assert signing.holds(found.value, text, keys.own("bpp").public_key)


def test_an_answer_to_a_peer_of_1_1_is_said_in_1_1(buyer, buyer_door):
    registry.set_profile("buyer.example", V1)
    buyer_door.answer = lambda got: (200, b'{"message":{"ack":{"status":"ACK"}}}')
    say(answer(asked(buyer), domain="energy"), role="bpp", word="on_select")
    (got,) = buyer_door.received
    assert (got.told["context"]["version"], got.told["context"]["domain"]) == ("1.1.1", "energy")


def test_nobody_is_answered_unasked(buyer, seller):
    question = asked(buyer)
    stranger = {"bapId": "seller.example"}
    for change in ({"messageId": str(uuid.uuid4())}, {"transactionId": str(uuid.uuid4())}):
        assert code_of(answer(question, **change), role="bpp", word="on_select").startswith(
            "CTX_TRANSACTION_ID_UNKNOWN"
        )
    assert code_of(answer(question, "on_init"), role="bpp", word="on_init").startswith("CTX_TRANSACTION_ID_UNKNOWN")
    assert code_of(answer(question, **stranger), role="bpp", word="on_select") == "CTX_INVALID_FIELD /context/bapId"


def test_what_the_market_was_asked_is_not_the_applications_to_answer(buyer):
    for word in ("on_select", "on_status"):
        question = asked(buyer, status=None)
        assert code_of(answer(question, word), role="bpp", word=word).startswith("CTX_TRANSACTION_ID_UNKNOWN")


def test_a_state_may_be_told_unasked_in_a_deal_of_its_own(buyer, buyer_door):
    say(answer(asked(buyer), "on_status", messageId=str(uuid.uuid4())), role="bpp", word="on_status")
    assert [got.path for got in buyer_door.received] == ["/bap/on_status"]


def test_a_refusal_carries_its_error(buyer, buyer_door):
    body_ = json.loads(answer(asked(buyer)))
    body_["error"] = {"errorCode": "BIZ_OFFER_NOT_FOUND", "errorMessage": "There is no o1."}
    say(json.dumps(body_).encode(), role="bpp", word="on_select")
    (got,) = buyer_door.received
    assert got.told["error"]["errorCode"] == "BIZ_OFFER_NOT_FOUND"


# --- whatever comes


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
PLACES = [
    *(("context", name) for name in told("select", **BOTH)["context"]), ("context",), ("message",), ("error",),
    ("message", "contract"), ("message", "contract", "commitments"), ("message", "contract", "status"),
    ("context", "schemaContext"), ("context", "location"), ("context", "domain"), ("context", "senderId"),
]  # fmt: skip


@pytest.mark.parametrize("profile", [ONIX, V1])
def test_whatever_stands_anywhere_is_said_or_refused_and_nothing_else(seller, profile):
    registry.set_profile(THEM, profile)

    @given(place=st.sampled_from(PLACES), junk=JUNK)
    def holds(place: tuple[str, ...], junk: Any) -> None:
        body_ = copy.deepcopy(told("select", **BOTH))
        spot: Any = body_
        for step in place[:-1]:
            spot = spot[step]
        spot[place[-1]] = junk
        try:
            pk, _ = speech.say(json.dumps(body_).encode(), role="bap", word="select", now=timezone.now())
        except WireError:
            return
        head = body.parse(bytes(OutboxMessage.objects.get(pk=pk).raw))["context"]
        assert (head.get("bapId") or head["bap_id"], head.get("bppId") or head["bpp_id"]) == (US, THEM)

    holds()


# --- a whole deal, as the reference messages have it


def spoken(file: str) -> dict[str, Any]:
    """A reference message, as our application in its role would write it today."""
    found: dict[str, Any] = json.loads(shared(f"beckn/flow/{file}").read_text())
    head = found["context"]
    for name in ("bapUri", "bppUri"):
        head.pop(name, None)
    return found | {"context": head | {"timestamp": timezone.now().isoformat(), "ttl": "PT30S"}}


ASKED = [
    "04a_select",
    "05a_init",
    "06a_confirm",
    "07a_update",
    "09a_status",
    "10a_track",
    "13a_cancel",
    "14a_rate",
    "15a_support",
]
SOLICITED = ["03b_on_discover", *(name.replace("a_", "b_on_") for name in ASKED)]
UNSOLICITED = ["08_on_status_baseline_unsolicited", "11_on_status_delivery_complete", "12_on_update_settled"]


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda one: one.name)
@pytest.mark.parametrize("file", ASKED)
def test_a_buyers_application_says_every_step(seller, profile, file):
    registry.set_profile(THEM, profile)
    if profile.is_v1 and file == "07a_update":
        first = spoken("06a_confirm.json")
        first["context"] |= BOTH
        speech.say(json.dumps(first).encode(), role="bap", word="confirm", now=timezone.now())
    told = spoken(f"{file}.json")
    told["context"] |= BOTH
    action = told["context"]["action"]
    pk, is_new = speech.say(json.dumps(told).encode(), role="bap", word=action, now=timezone.now())
    row = OutboxMessage.objects.get(pk=pk)
    assert (is_new, row.action, row.profile, row.to) == (True, action, profile.name, THEM)
    if not profile.is_v1:
        assert body.parse(bytes(row.raw))["message"] == body.parse(json.dumps(told).encode())["message"]


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda one: one.name)
@pytest.mark.parametrize("file", [*SOLICITED, *UNSOLICITED])
def test_a_sellers_application_says_every_answer(buyer, profile, file):
    registry.set_profile("buyer.example", profile)
    told = spoken(f"{file}.json")
    action = told["context"]["action"]
    question = asked(buyer, by=action.removeprefix("on_"))
    ids = {"transactionId": str(question.transaction_id), "messageId": str(question.message_id)}
    if file in UNSOLICITED:
        ids["messageId"] = str(uuid.uuid4())
    told["context"] |= {"bapId": "buyer.example", "bppId": "market.caco.local"} | ids
    pk, is_new = speech.say(json.dumps(told).encode(), role="bpp", word=action, now=timezone.now())
    row = OutboxMessage.objects.get(pk=pk)
    assert (is_new, row.action, row.answers) == (True, action, None if file in UNSOLICITED else question)
