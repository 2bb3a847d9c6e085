"""Inbox and outbox with peers of each profile: what is stored, what the application sees, what goes back."""

from __future__ import annotations

import io
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from prometheus_client import REGISTRY

from beckn import inbox, keys, outbox, registry
from beckn.egress import Answer
from beckn.inbox import Judged, Stored
from beckn.models import InboxMessage, OutboxMessage, Subscriber
from beckn.ports import Message, Reply
from beckn.testing import Participant
from beckn.wire import body, dialect, receipts, signing
from beckn.wire.errors import WireError
from beckn.wire.profile import PROFILES, named
from beckn.wire.v1 import adapter
from tests.unit.beckn import application
from tests.unit.beckn.messages import CONTRACT
from tests.unit.beckn.wire.v1.samples import ACTIVATION

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def frozen(monkeypatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def speaks(who: Participant, profile: str) -> Participant:
    registry.set_profile(who.signer.subscriber_id, named(profile))
    return who


def judge(sender: Participant, told: dict[str, Any], *, word: str = "", **change: Any) -> Judged:
    raw = body.dump(told)
    authorization = change.pop("authorization", None) or sender.authorization(raw, at=NOW)
    signature = signing.parse(authorization)
    signer = registry.lookup(signature.subscriber_id, signature.key_id, now=NOW)
    word = word or told["context"]["action"]
    role = "bap" if word.startswith("on_") else "bpp"
    return inbox.judge(
        raw,
        authorization=authorization,
        signature=signature,
        signer=signer,
        role=role,
        action=dialect.action_of(word, role),
        now=NOW,
        word=word,
        **change,
    )


def handled(sender: Participant, told: dict[str, Any]) -> InboxMessage:
    (outcome,) = inbox.store([judge(sender, told)], now=NOW)
    assert isinstance(outcome, Stored)
    inbox.handle(outcome.pk, now=NOW)
    return InboxMessage.objects.get(pk=outcome.pk)


def said(row: OutboxMessage | InboxMessage) -> dict[str, Any]:
    return body.parse(bytes(row.raw))


def old(who: Participant, action: str, message: dict[str, Any], **ids: Any) -> dict[str, Any]:
    """A body of 1.1 as a stranger's hand writes it: without our tag."""
    told = adapter.to_v1(who.envelope(action, {"contract": CONTRACT}, at=NOW, **ids))
    return {"context": told["context"], "message": message}


ORDER = {
    "items": [{"id": "r1", "quantity": {"selected": {"measure": {"value": "1200.5", "unit": "kW"}}}}],
    "offers": [{"id": "o1"}],
}
DEAL = CONTRACT | {"status": {"code": "ACTIVE"}}


# --- 1.1


def test_a_request_to_a_peer_of_1_1_goes_out_in_its_words(seller, seller_door):
    speaks(seller, "v1")
    seller_door.answer = lambda _: (200, b'{"message":{"ack":{"status":"ACK"}}}')
    for action, message, word in (
        ("discover", {"intent": {"textSearch": "norwich"}}, "search"),
        ("confirm", {"contract": CONTRACT}, "confirm"),
    ):
        row = outbox.send(role="bap", action=action, message=message, to="seller.example", transaction_id=uuid.uuid4())
        assert outbox.deliver(row.pk, now=NOW) == "DELIVERED"
        got = seller_door.received[-1]
        assert (got.path, got.raw) == (f"/bpp/{word}", bytes(row.raw))
        assert (row.action, row.profile) == (action, "v1")
        context = got.told["context"]
        assert (context["action"], context["version"], context["message_id"]) == (word, "1.1.1", str(row.message_id))
    assert got.told["message"]["order"]["id"] == CONTRACT["id"]


def test_a_request_of_1_1_is_heard_in_2_0_0_and_answered_in_1_1(buyer):
    speaks(buyer, "v1")
    row = handled(buyer, old(buyer, "select", {"order": ORDER}))
    assert (row.action, row.profile, row.state, row.tolerances) == ("select", "v1", "HANDLED", [])
    assert body.parse(bytes(row.receipt)) == {"message": {"ack": {"status": "ACK"}}}
    (message,) = application.seen
    (commitment,) = message.message["contract"]["commitments"]
    assert commitment["offer"] == {"id": "o1", "resourceIds": ["r1"]}
    assert commitment["resources"][0]["quantity"]["unitQuantity"] == body.decimal("1200.5")
    assert message.context["bapId"] == "buyer.example"
    callback = OutboxMessage.objects.get()
    told = said(callback)
    assert (callback.action, told["context"]["action"]) == ("on_select", "on_select")
    assert told["context"]["message_id"] == str(row.message_id)
    assert told["message"]["order"]["items"][0]["quantity"]["selected"]["measure"] == {"value": "1200.5", "unit": "kW"}
    assert outbox.understood(callback)["message"] == {"contract": CONTRACT}


def test_search_is_discover(buyer):
    speaks(buyer, "v1")
    told = adapter.to_v1(buyer.envelope("discover", {"intent": {}}, at=NOW))
    row = handled(buyer, told)
    assert row.action == "discover"
    assert said(OutboxMessage.objects.get())["context"]["action"] == "on_search"
    assert [seen.action for seen in application.seen] == ["discover"]


def test_an_order_id_means_the_deal_that_was_last_spoken_of(buyer):
    speaks(buyer, "v1")
    deal = uuid.uuid4()
    application.behaviour[0] = lambda _: Reply({"contract": DEAL})
    handled(buyer, old(buyer, "confirm", {"order": ORDER}, transaction_id=deal))
    for action in ("status", "cancel"):
        row = handled(buyer, old(buyer, action, {"order_id": CONTRACT["id"]}, transaction_id=deal))
        assert row.state == "HANDLED"
        assert application.seen[-1].message["contract"]["commitments"] == DEAL["commitments"]


def test_an_order_nobody_knows_is_answered_with_the_error_alone(buyer):
    speaks(buyer, "v1")
    row = handled(buyer, old(buyer, "status", {"order_id": "x"}))
    assert (row.state, row.problem.split(":")[0]) == ("REFUSED", "BIZ_ORDER_NOT_FOUND")
    assert application.seen == []
    told = said(OutboxMessage.objects.get())
    assert told["context"]["action"] == "on_status"
    assert (told["error"]["code"], told["error"]["paths"]) == ("30010", "/message/order_id")
    assert "message" not in told


def test_an_update_is_held_to_its_target(buyer):
    speaks(buyer, "v1")
    deal = uuid.uuid4()
    application.behaviour[0] = lambda _: Reply({"contract": DEAL})
    handled(buyer, old(buyer, "confirm", {"order": ORDER}, transaction_id=deal))
    dispatched = buyer.envelope("update", {"contract": DEAL | {"performance": [ACTIVATION]}}, at=NOW)
    fulfillments = adapter.to_v1(dispatched)["message"]["order"]["fulfillments"]
    order = ORDER | {"fulfillments": fulfillments}
    row = handled(
        buyer, old(buyer, "update", {"update_target": "order.fulfillments", "order": order}, transaction_id=deal)
    )
    assert row.state == "HANDLED"
    assert application.seen[-1].message["contract"]["performance"][0]["status"]["code"] == "ACTIVATION_REQUESTED"
    row = handled(buyer, old(buyer, "update", {"update_target": "order.items", "order": order}, transaction_id=deal))
    assert (row.state, row.problem.split(":")[0]) == ("REFUSED", "BIZ_INVALID_UPDATE_TARGET")
    assert said(OutboxMessage.objects.latest("pk"))["error"]["code"] == "30012"


def test_our_update_names_what_it_changes(seller):
    speaks(seller, "v1")
    deal = uuid.uuid4()
    common = {"role": "bap", "to": "seller.example", "transaction_id": deal}
    outbox.send(action="confirm", message={"contract": DEAL}, **common)
    row = outbox.send(action="update", message={"contract": DEAL | {"performance": [ACTIVATION]}}, **common)
    assert said(row)["message"]["update_target"] == "order.fulfillments"


def test_a_refusal_by_a_peer_of_1_1_is_told_in_2_0_0(seller, seller_door):
    speaks(seller, "v1")
    nack = b'{"message":{"ack":{"status":"NACK"}},"error":{"code":"40002","message":"sold"}}'
    seller_door.answer = lambda _: (200, nack)
    row = outbox.send(
        role="bap", action="confirm", message={"contract": CONTRACT}, to="seller.example", transaction_id=uuid.uuid4()
    )
    assert outbox.deliver(row.pk, now=NOW) == "REFUSED"
    ((message, code, text),) = application.undelivered
    assert (message.message, code, text) == ({"contract": CONTRACT}, "40002", "sold")


def test_what_is_wrong_in_1_1_is_named_in_its_words(buyer):
    speaks(buyer, "v1")
    wrong = old(buyer, "select", {"order": ORDER | {"items": [{"id": 5}]}})
    late = old(buyer, "select", {"order": ORDER})
    late["context"]["timestamp"] = "2026-11-20T11:00:00Z"
    stranger = old(buyer, "select", {"order": ORDER})
    stranger["context"]["bap_id"] = "other.example"
    bare = old(buyer, "select", {"order": {"offers": [{"id": "o1"}]}})
    for told, code, path in (
        (wrong, "SCH_TYPE_NOT_SUPPORTED", "/message/order/items/0/id"),
        (late, "CTX_TTL_EXPIRED", "/context/ttl"),
        (stranger, "AUT_UNAUTHORIZED_ACTION", "/context/bap_id"),
        (bare, "BIZ_ORDER_NOT_FOUND", "/message/order/items"),
    ):
        with pytest.raises(WireError) as found:
            judge(buyer, told)
        assert (found.value.code, found.value.path) == (code, path)


# --- never mixed


def test_no_peer_speaks_another_profile_than_its_own(buyer):
    new = buyer.envelope("confirm", {"contract": CONTRACT}, at=NOW)
    ancient = old(buyer, "confirm", {"order": ORDER})
    with pytest.raises(WireError, match="CTX_VERSION_UNSUPPORTED"):
        judge(buyer, ancient)
    with pytest.raises(WireError, match="send discover"):
        judge(buyer, adapter.to_v1(buyer.envelope("discover", {"intent": {}}, at=NOW)))
    speaks(buyer, "v1")
    with pytest.raises(WireError, match="CTX_VERSION_UNSUPPORTED"):
        judge(buyer, new)
    with pytest.raises(WireError, match="send search"):
        judge(buyer, buyer.envelope("discover", {"intent": {}}, at=NOW))


# --- the newer drafts


def test_a_callback_to_an_onix_peer_is_chained_and_its_receipt_proved(buyer, buyer_door):
    speaks(buyer, "onix")
    raw = body.dump(buyer.envelope("confirm", {"contract": CONTRACT}, at=NOW))
    asked = buyer.authorization(raw, at=NOW)
    row = handled(buyer, body.parse(raw))
    callback = OutboxMessage.objects.get()
    assert body.parse(bytes(row.receipt)) == {"message": {"status": "ACK", "messageId": str(row.message_id)}}
    assert outbox.deliver(callback.pk, now=NOW) == "DELIVERED"
    (got,) = buyer_door.received
    found = signing.parse(got.headers["authorization"])
    text = signing.signing_string(got.raw, found.created, found.expires, answering=signing.value_of(asked))
    assert found.is_chained
    assert signing.holds(found.value, text, keys.own("bpp").public_key)
    callback.refresh_from_db()
    # The listener signs its receipt in the body, as LTS does, and not in the header.
    assert (callback.receipt_proof, callback.authorizations) == ("UNSIGNED", [got.headers["authorization"]])


def test_an_onix_peers_signed_receipt_is_proved(seller, monkeypatch):
    speaks(seller, "onix")

    def post(url: str, raw: bytes, *, headers: dict[str, str], total_s: float) -> Answer:
        held = OutboxMessage.objects.get()
        assert held.authorizations == [headers["Authorization"]]  # written down before it is sent
        receipt = receipts.ack(request=raw, message_id="m", signer=seller.signer, now=NOW, form="onix")
        answering = signing.value_of(headers["Authorization"])
        return Answer(200, {"signature": signing.sign(receipt, seller.signer, now=NOW, answering=answering)}, receipt)

    monkeypatch.setattr(outbox.egress, "post", post)
    row = outbox.send(
        role="bap", action="confirm", message={"contract": CONTRACT}, to="seller.example", transaction_id=uuid.uuid4()
    )
    assert outbox.deliver(row.pk, now=NOW) == "DELIVERED"
    row.refresh_from_db()
    assert row.receipt_proof == "SIGNED"


def test_an_unasked_report_is_signed_over_three_lines(buyer, buyer_door):
    speaks(buyer, "onix")
    row = outbox.send(
        role="bpp", action="on_status", message={"contract": CONTRACT}, to="buyer.example", transaction_id=uuid.uuid4()
    )
    assert outbox.deliver(row.pk, now=NOW) == "DELIVERED"
    assert not signing.parse(buyer_door.received[0].headers["authorization"]).is_chained


# --- what statuses mean


@pytest.mark.parametrize(
    ("profile", "status", "state", "silent"),
    [
        ("lts", 409, "DELIVERED", True),
        ("lts", 202, "DELIVERED", False),
        ("lts-pure", 409, "DELIVERED", True),
        ("onix", 202, "DELIVERED", True),
        ("onix", 409, "REFUSED", False),
        ("v1", 200, "DELIVERED", False),
        ("v1", 409, "REFUSED", False),
    ],
)
def test_an_acks_status_means_what_the_profile_says(seller, seller_door, profile, status, state, silent):
    speaks(seller, profile)
    seller_door.answer = lambda _: (status, b'{"message":{"ack":{"status":"ACK"}}}')
    row = outbox.send(
        role="bap", action="confirm", message={"contract": CONTRACT}, to="seller.example", transaction_id=uuid.uuid4()
    )
    assert outbox.deliver(row.pk, now=NOW) == state
    row.refresh_from_db()
    assert ("no callback will come" in row.problem) == silent


@pytest.mark.parametrize(("profile", "status"), [("lts", 400), ("onix", 409), ("v1", 400)])
def test_the_same_id_with_another_body_is_a_conflict_by_profile(buyer, profile, status):
    speaks(buyer, profile)
    told = buyer.envelope("confirm", {"contract": CONTRACT}, at=NOW)
    told = adapter.to_v1(told) if profile == "v1" else told
    inbox.store([judge(buyer, told)], now=NOW)
    told["context"]["ttl"] = "PT31S"
    (refused,) = inbox.store([judge(buyer, told)], now=NOW)
    assert isinstance(refused, WireError)
    assert (refused.code, refused.http_status) == ("CTX_MESSAGE_ID_DUPLICATE", status)


# --- what is forgiven


@pytest.mark.parametrize(("profile", "status"), [("lts", 409), ("onix", 202)])
def test_a_preview_is_acknowledged_kept_and_has_no_effect(buyer, profile, status):
    speaks(buyer, profile)
    told = buyer.envelope("confirm", {"contract": CONTRACT}, at=NOW)
    told["context"]["try"] = True
    item = judge(buyer, told)
    (stored,) = inbox.store([item], now=NOW)
    assert isinstance(stored, Stored)
    assert (item.status, receipts.read(stored.receipt).status) == (status, "ACK")
    assert inbox.handle(stored.pk, now=NOW) == "HANDLED"
    row = InboxMessage.objects.get()
    assert row.tolerances == ["try"]
    assert "preview" in row.problem
    assert (application.seen, OutboxMessage.objects.count()) == ([], 0)


def counted(name: str, profile: str = "lts") -> float:
    labels = {"tolerance": name, "profile": profile, "subscriber": "buyer.example"}
    return REGISTRY.get_sample_value("beckn_tolerance_total", labels) or 0


def test_what_is_forgiven_is_kept_counted_and_put_right_for_the_application(buyer):
    before = [counted(name) for name in ("resource-ids", "sender-receiver", "header-spelling")]
    told = body.parse(body.dump(buyer.envelope("confirm", {"contract": CONTRACT}, at=NOW)))
    del told["message"]["contract"]["commitments"][0]["offer"]["resourceIds"]
    told["context"]["senderId"] = told["context"].pop("bapId")
    raw = body.dump(told)
    item = judge(buyer, told, authorization=buyer.authorization(raw, at=NOW).replace(",", ", "))
    (stored,) = inbox.store([item], now=NOW)
    assert isinstance(stored, Stored)
    inbox.handle(stored.pk, now=NOW)
    row = InboxMessage.objects.get()
    assert row.tolerances == ["header-spelling", "sender-receiver", "resource-ids"]
    assert bytes(row.raw) == raw
    assert [counted(name) - was for name, was in zip(("resource-ids", "sender-receiver", "header-spelling"), before, strict=True)] == [1, 1, 1]  # fmt: skip
    (message,) = application.seen
    assert message.message["contract"] == CONTRACT
    assert message.context["bapId"] == "buyer.example"


def test_what_is_refused_counts_nothing(buyer):
    before = counted("resource-ids")
    told = body.parse(
        body.dump(buyer.envelope("confirm", {"contract": CONTRACT | {"status": {"code": "NEW"}}}, at=NOW))
    )
    del told["message"]["contract"]["commitments"][0]["offer"]["resourceIds"]
    with pytest.raises(WireError, match="SCH_INVALID_ENUM"):
        judge(buyer, told)
    assert counted("resource-ids") == before


def test_an_older_name_of_an_action_is_forgiven_in_address_and_context(buyer):
    message = {"ratingInputs": [{"target": {"id": "x"}, "range": {"value": 5}}]}
    told = buyer.envelope("rate", message, at=NOW)
    told["context"]["action"] = "rating"
    item = judge(buyer, told, word="rating")
    assert (item.row.action, item.row.tolerances) == ("rate", ["action-alias"])


# --- who has which


def test_a_profile_belongs_to_the_subscriber_with_all_its_keys(buyer, settings):
    assert registry.profile_of("buyer.example") is PROFILES["lts"]
    settings.BECKN_PROFILE = "onix"
    assert registry.profile_of("buyer.example") is PROFILES["onix"]
    call_command("beckn_profile", "buyer.example", "v1", stdout=io.StringIO())
    newer = Participant("bap", "buyer.example")
    newer.signer = signing.Signer.of("buyer.example", "next", bytes(32))
    newer.register()
    assert Subscriber.objects.get(key_id="next").profile == ""
    assert registry.lookup("buyer.example", "next", now=NOW).profile is PROFILES["v1"]
    assert registry.peer("buyer.example", role="bap", now=NOW).profile is PROFILES["v1"]


def test_the_command_shows_a_profile_and_knows_its_subscribers(buyer):
    out = io.StringIO()
    call_command("beckn_profile", "buyer.example", stdout=out)
    assert out.getvalue() == "buyer.example: lts\n"
    with pytest.raises(CommandError, match=r"no subscriber 'who\.example'"):
        call_command("beckn_profile", "who.example")


def test_what_is_stored_keeps_the_profile_it_came_in(buyer):
    speaks(buyer, "v1")
    (stored,) = inbox.store([judge(buyer, old(buyer, "select", {"order": ORDER}))], now=NOW)
    assert isinstance(stored, Stored)
    speaks(buyer, "lts")
    assert inbox.handle(stored.pk, now=NOW) == "HANDLED"
    (message,) = application.seen
    assert isinstance(message, Message)
    assert OutboxMessage.objects.get().profile == "lts"
