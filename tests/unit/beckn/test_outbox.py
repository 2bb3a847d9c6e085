from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from beckn import keys, outbox, registry, wake
from beckn.models import OutboxMessage, Subscriber
from beckn.outbox import LEASE, OutboundError
from beckn.wire import body, receipts, signing
from beckn.wire.errors import WireError
from tests.unit.beckn import application
from tests.unit.beckn.messages import CONTRACT

pytestmark = pytest.mark.django_db


def send(to: str = "seller.example", action: str = "confirm", **change: Any) -> OutboxMessage:
    given: dict[str, Any] = {"role": "bap", "message": {"contract": CONTRACT}, "transaction_id": uuid.uuid4()} | change
    return outbox.send(action=action, to=to, **given)


def deliver(row: OutboxMessage, *, after: timedelta = timedelta(seconds=1)) -> str:
    state = outbox.deliver(row.pk, now=row.next_attempt_at + after)
    row.refresh_from_db()
    return state


def test_a_message_is_stored_whole_and_exact(seller, settings):
    message_id = uuid.uuid4()
    row = send(message_id=message_id)
    told = body.parse(bytes(row.raw))
    assert told["message"]["contract"]["commitments"][0]["resources"][0]["quantity"]["unitQuantity"] == Decimal(
        "1200.5"
    )
    context = told["context"]
    assert context["bapId"] == settings.BECKN_PARTICIPANTS["bap"]["subscriber_id"]
    assert (context["bppId"], context["bppUri"]) == ("seller.example", seller.url)
    assert (context["messageId"], context["ttl"]) == (str(message_id), "PT259200S")
    assert body.parse(bytes(send(action="discover", message={"intent": {}}).raw))["context"]["ttl"] == "PT3600S"


def test_delivery_is_woken_after_the_commit_only(seller, monkeypatch, django_capture_on_commit_callbacks):
    woken: list[Any] = []
    monkeypatch.setattr(wake, "now", lambda task, pks: woken.append((task, pks)))
    with django_capture_on_commit_callbacks(execute=True):
        row = send()
        assert woken == []
    assert woken == [("beckn.tasks.deliver", [row.pk])]


def test_what_is_not_valid_is_never_stored(seller):
    with pytest.raises(OutboundError, match="/message/contract/id"):
        send(message={"contract": CONTRACT | {"id": "order-1"}})
    with pytest.raises(TypeError, match="float"):
        send(message={"contract": CONTRACT | {"contractAttributes": {"@context": "c", "@type": "t", "x": 0.1}}})
    for role, action in (("bpp", "confirm"), ("bap", "on_confirm"), ("bap", "barter")):
        with pytest.raises(OutboundError, match="does not send"):
            send(role=role, action=action)
    assert not OutboxMessage.objects.exists()


def test_a_peer_nobody_knows_is_named(installed):
    with pytest.raises(registry.UnknownPeerError, match=r"stranger\.example"):
        send(to="stranger.example")


def test_a_delivery_is_signed_verifiable_and_recorded(seller, seller_door):
    row = send()
    assert deliver(row) == "DELIVERED"
    (got,) = seller_door.received
    assert got.path == "/bpp/confirm"
    assert got.raw == bytes(row.raw)
    signature = signing.parse(got.headers["authorization"])
    ours = keys.own("bap")
    signing.verify(signature, got.raw, ours.public_key)
    assert signature.subscriber_id == ours.subscriber_id
    assert (row.state, row.last_status, row.attempts, row.problem) == ("DELIVERED", 200, 1, "")
    assert row.delivered_at is not None
    assert (row.profile, row.receipt_proof) == ("lts", "SIGNED")
    assert receipts.is_countersigned(
        bytes(row.receipt), request=got.raw, message_id=str(row.message_id), public_key=seller.signer.public_key
    )
    assert deliver(row) == "DELIVERED"
    assert len(seller_door.received) == 1


@pytest.mark.parametrize(
    ("status", "raw"),
    [
        (202, b'{"message":{"status":"ACK"}}'),
        (409, b'{"status":"ACK","signature":"x"}'),
        (200, b'{"message":{"ack":{"status":"ACK"}}}'),
    ],
)
def test_an_ack_in_any_spelling_is_a_delivery(seller_door, status, raw):
    seller_door.answer = lambda _: (status, raw)
    assert deliver(send()) == "DELIVERED"


@pytest.mark.parametrize(
    ("status", "raw"),
    [
        (400, b'{"status":"NACK","error":{"errorCode":"CTX_TTL_EXPIRED","errorMessage":"too old"}}'),
        (401, b'{"message":{"status":"NACK","error":{"code":"CTX_TTL_EXPIRED","message":"too old"}}}'),
        (409, b'{"message":{"status":"NACK","error":{"code":"CTX_TTL_EXPIRED","message":"too old"}}}'),
        (200, b'{"message":{"ack":{"status":"NACK"},"error":{"code":"CTX_TTL_EXPIRED","message":"too old"}}}'),
    ],
)
def test_a_nack_is_final_and_the_application_is_told(seller_door, status, raw):
    seller_door.answer = lambda _: (status, raw)
    row = send()
    assert deliver(row) == "REFUSED"
    assert (row.problem, row.last_status) == ("CTX_TTL_EXPIRED: too old", status)
    ((message, code, text),) = application.undelivered
    assert (code, text) == ("CTX_TTL_EXPIRED", "too old")
    assert (message.role, message.action, message.subscriber_id) == ("bap", "confirm", "seller.example")
    assert message.message["contract"] == CONTRACT
    assert outbox.due(now=timezone.now() + timedelta(days=1), limit=10) == []


def test_a_fault_in_being_told_is_written_down_and_changes_nothing_else(seller_door, monkeypatch):
    def broken(*_: Any) -> None:
        raise RuntimeError("no purchase")

    monkeypatch.setattr(application, "on_undeliverable", broken)
    seller_door.answer = lambda _: (400, b"")
    row = send()
    assert deliver(row) == "REFUSED"
    assert "could not be told: RuntimeError: no purchase" in row.problem


@pytest.mark.parametrize(
    ("status", "raw"),
    [
        (500, b""),
        (503, b'{"status":"NACK"}'),
        (429, b""),
        (408, b""),
        (425, b""),
        (200, b"<html>"),
        (302, b""),
        (200, b""),
    ],
)
def test_anything_else_is_tried_again_with_a_new_signature(seller_door, status, raw):
    seller_door.answer = lambda _: (status, raw)
    row = send()
    begun = row.next_attempt_at + timedelta(seconds=1)
    assert deliver(row) == "PENDING"
    assert timedelta(seconds=1) <= row.next_attempt_at - begun <= timedelta(seconds=2)
    assert f"HTTP {status}" in row.problem
    assert deliver(row, after=timedelta(seconds=-0.001)) == "PENDING"
    assert len(seller_door.received) == 1
    seller_door.answer = None
    assert deliver(row, after=timedelta(seconds=5)) == "DELIVERED"
    first, second = seller_door.received
    assert first.raw == second.raw
    assert first.headers["authorization"] != second.headers["authorization"]
    row.refresh_from_db()
    assert row.authorizations == [one.headers["authorization"] for one in (first, second)]


def test_a_peer_that_asks_for_time_gets_it(seller_door, monkeypatch):
    row = send()
    told = outbox.egress.Answer(503, {"retry-after": "120"}, b"")
    monkeypatch.setattr(outbox.egress, "post", lambda *a, **k: told)
    begun = row.next_attempt_at + timedelta(seconds=1)
    assert deliver(row) == "PENDING"
    assert row.next_attempt_at - begun == timedelta(seconds=120)


def test_a_silent_peer_is_tried_until_the_messages_time_ends(seller, monkeypatch):
    row = send(action="select")
    end = row.created_at + outbox.SHOPPING_TTL
    while deliver(row) == "PENDING":
        assert row.next_attempt_at <= end
        assert row.last_status is None
    assert row.state == "DEAD"
    assert 10 <= row.attempts <= 14
    assert "NET_DOWNSTREAM_UNAVAILABLE: 127.0.0.1:9" in row.problem
    ((message, code, _),) = application.undelivered
    assert (message.action, code) == ("select", "NET_DOWNSTREAM_UNAVAILABLE")


def test_a_dead_letter_is_driven_again_with_the_same_bytes(seller, seller_door):
    seller_door.answer = lambda _: (400, b"")
    row = send()
    deliver(row)
    seller_door.answer = None
    now = row.created_at + timedelta(hours=2)
    assert outbox.redrive(row.pk, now=now)
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("PENDING", 0)
    assert outbox.due(now=now, limit=10) == [row.pk]
    assert deliver(row) == "DELIVERED"
    assert {got.raw for got in seller_door.received} == {bytes(row.raw)}
    assert not outbox.redrive(row.pk, now=now)
    with pytest.raises(ValueError, match="send a new one"):
        outbox.redrive(row.pk, now=row.created_at + timedelta(hours=73))


def test_two_workers_never_send_at_the_same_moment(seller_door):
    row = send()
    now = row.next_attempt_at + timedelta(seconds=1)
    mine = outbox.claim(row.pk, now=now)
    assert mine is not None
    assert outbox.claim(row.pk, now=now) is None
    assert outbox.claim(row.pk, now=now + LEASE - timedelta(seconds=1)) is None
    theirs = outbox.claim(row.pk, now=now + LEASE)  # the first was killed
    assert theirs is not None
    assert (mine.attempts, theirs.attempts) == (1, 2)
    # The late first attempt failed: that is no news. It succeeded: that is.
    late = outbox.Outcome("PENDING", 500, b"", "NET_TIMEOUT", "late")
    assert outbox.conclude(mine, late, now=now) == "PENDING"
    row.refresh_from_db()
    assert (row.problem, row.next_attempt_at) == ("", now + LEASE + LEASE)
    assert outbox.conclude(mine, outbox.Outcome("DELIVERED", 200, b"{}"), now=now) == "DELIVERED"
    assert outbox.conclude(theirs, late, now=now) == "DELIVERED"


def test_only_the_registered_url_is_called(seller, seller_door):
    row = send()
    Subscriber.objects.filter(subscriber_id="seller.example").update(status="REVOKED")
    assert deliver(row) == "PENDING"
    assert "seller.example" in row.problem
    assert seller_door.received == []


def test_an_unsigned_installation_waits_visibly(seller_door, settings, tmp_path):
    row = send()
    settings.BECKN_KEY_DIR = tmp_path / "nowhere"
    assert deliver(row) == "PENDING"
    assert "beckn_keygen" in row.problem


def test_a_callback_carries_its_error(buyer, buyer_door):
    error = {"errorCode": "BIZ_OFFER_NOT_FOUND", "errorMessage": "gone"}
    row = send(to="buyer.example", role="bpp", action="on_select", error=error)
    assert deliver(row) == "DELIVERED"
    assert buyer_door.received[0].told["error"] == error
    assert isinstance(buyer_door.nack(buyer_door.received[0], WireError("NET_TIMEOUT", "x")), tuple)
