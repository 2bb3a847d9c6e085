"""A verified message on its way to the application: handed over once, and answered in the sender's own form."""

from __future__ import annotations

import json
import socket
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from beckn import egress, inbox, keys
from beckn.adapter import relay
from beckn.models import InboxMessage
from beckn.testing import Listener, Participant
from beckn.wire import body, receipts
from beckn.wire.errors import CODES, WireError
from beckn.wire.profile import PROFILES

pytestmark = pytest.mark.django_db


@pytest.fixture
def application(settings) -> Iterator[Listener]:
    with Listener(Participant("bpp", "no-participant")).listening() as one:
        settings.BECKN_ADAPTER = True
        settings.BECKN_APPLICATIONS = {"bpp": f"{one.base}/x"}
        settings.BECKN_ADAPTER_SECRET = "the secret"
        yield one


def message(buyer: Participant, **change: Any) -> InboxMessage:
    """One that waits to be handed over."""
    now = timezone.now()
    given: dict[str, Any] = {
        "role": "bpp", "subscriber_id": buyer.signer.subscriber_id, "action": "select", "message_id": uuid.uuid4(),
        "transaction_id": uuid.uuid4(), "authorization": "", "public_key": "", "raw": b'{"a": 1.0}', "digest": "d",
        "receipt": b"", "received_at": now, "next_attempt_at": now, "application_status": 0,
    }  # fmt: skip
    return InboxMessage.objects.create(**given | change)


def hand_over(row: InboxMessage, *, after: timedelta = timedelta(0), word: str = "select") -> relay.Receipt | None:
    return relay.hand_over(row.pk, word=word, now=timezone.now() + after)


def says(application: Listener, status: int, told: Any) -> None:
    application.answer = lambda _: (status, told if isinstance(told, bytes) else json.dumps(told).encode())


ACK = {"status": "ACK"}


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda one: one.name)
@pytest.mark.parametrize(
    "told", [ACK, {"message": {"status": "ACK"}}, {"message": {"ack": {"status": "ACK"}}}], ids=["lts", "onix", "v1"]
)
def test_any_spelling_of_yes_becomes_ours_in_the_senders_form(application, buyer, profile, told):
    row = message(buyer, profile=profile.name)
    says(application, 200, told)
    given = hand_over(row)
    assert given is not None
    wanted = receipts.FORMS[profile.receipts]("ACK", str(row.message_id), None)
    found = body.parse(given.body)
    found.pop("signature", None)
    assert (given.status, found) == (200, wanted)
    if profile.receipts in receipts.COUNTERSIGNED:
        named = {"request": bytes(row.raw), "message_id": str(row.message_id)}
        assert receipts.is_countersigned(given.body, **named, public_key=keys.own("bpp").public_key)
    row.refresh_from_db()
    assert (row.state, bytes(row.receipt), row.attempts) == ("HANDLED", given.body, 1)


@pytest.mark.parametrize(("profile", "status"), [("lts", 409), ("onix", 202), ("v1", 200)])
@pytest.mark.parametrize("told", [202, 409])
def test_a_yes_without_a_callback_is_told_as_the_sender_wants_it(application, buyer, profile, status, told):
    says(application, told, ACK)
    given = hand_over(message(buyer, profile=profile))
    assert given is not None
    assert given.status == status


def test_it_is_handed_over_under_the_senders_own_word(application, buyer):
    hand_over(message(buyer, action="discover", profile="v1"), word="search")
    (got,) = application.received
    assert (got.path, got.raw) == ("/x/search", b'{"a": 1.0}')
    assert (got.headers["x-beckn-subscriber"], got.headers["authorization"]) == ("buyer.example", "Bearer the secret")


@pytest.mark.parametrize(
    ("code", "ours"),
    [
        ("BIZ_QUOTE_EXPIRED_OR_CHANGED", "BIZ_QUOTE_EXPIRED_OR_CHANGED"),
        ("30010", "BIZ_ORDER_NOT_FOUND"),
        ("AUT_SIGNATURE_INVALID", "POL_ENGAGEMENT_REFUSED"),
        ("30016", "POL_ENGAGEMENT_REFUSED"),
        ("40099", "BIZ_GENERIC_ERROR"),
        ("MY_OWN_WORD", "BIZ_GENERIC_ERROR"),
        ("", "BIZ_GENERIC_ERROR"),
    ],
)
def test_a_no_in_any_words_is_one_in_the_networks(application, buyer, code, ours):
    says(application, 200, {"message": {"ack": {"status": "NACK"}}, "error": {"code": code, "message": ""}})
    given = hand_over(message(buyer))
    assert given is not None
    read = receipts.read(given.body)
    assert (given.status, read.status, read.code) == (400, "NACK", ours)
    assert read.message
    assert ours in CODES


def test_what_has_an_answer_is_not_asked_again(application, buyer):
    row = message(buyer)
    says(application, 200, ACK)
    assert hand_over(row) == hand_over(row, after=timedelta(days=1))
    assert len(application.received) == 1


def test_what_was_answered_before_there_was_an_application_keeps_its_answer(application, buyer):
    row = message(buyer, application_status=None, receipt=b"as it was")
    assert hand_over(row) == relay.Receipt(200, b"as it was")
    assert application.received == []


def test_one_hands_over_and_whoever_died_at_it_is_relieved(application, buyer):
    row = message(buyer)
    assert relay.claim(InboxMessage.objects.get(pk=row.pk), now=timezone.now())
    assert hand_over(row) is None
    assert application.received == []
    says(application, 200, ACK)
    assert hand_over(row, after=relay.LEASE) is not None
    row.refresh_from_db()
    assert row.attempts == 2


def test_an_attempt_that_outlived_its_lease_changes_no_receipt(application, buyer):
    row = message(buyer)
    slow = InboxMessage.objects.get(pk=row.pk)
    assert relay.claim(slow, now=timezone.now())
    says(application, 200, ACK)
    first = hand_over(row, after=relay.LEASE)
    late = egress.Answer(200, {}, b'{"status": "NACK", "error": {"code": "BIZ_GENERIC_ERROR", "message": "no"}}')
    assert relay.conclude(slow, late, now=timezone.now() + timedelta(seconds=30)) == first
    assert hand_over(row) == first


def test_two_that_saw_it_free_are_one(buyer):
    row = message(buyer)
    first, second = (InboxMessage.objects.get(pk=row.pk) for _ in range(2))
    assert relay.claim(first, now=timezone.now())
    assert not relay.claim(second, now=timezone.now())


def test_silence_is_told_without_saying_where_the_application_is(buyer, settings, free_port):
    settings.BECKN_ADAPTER = True
    settings.BECKN_APPLICATIONS = {"bpp": f"http://127.0.0.1:{free_port()}"}
    row = message(buyer)
    with pytest.raises(WireError) as silent:
        hand_over(row)
    assert (silent.value.code, silent.value.http_status) == ("NET_DOWNSTREAM_UNAVAILABLE", 503)
    assert "127.0.0.1" not in silent.value.message
    row.refresh_from_db()
    assert (row.state, row.application_status, bytes(row.receipt)) == ("RECEIVED", 0, b"")
    assert "127.0.0.1" in row.problem


def test_our_own_worker_leaves_it_alone(application, buyer):
    row = message(buyer)
    later = timezone.now() + timedelta(days=1)
    assert inbox.due(now=later, limit=10) == []
    assert inbox.handle(row.pk, now=later) == "RECEIVED"
    row.refresh_from_db()
    assert row.attempts == 0


def test_an_application_that_hangs_holds_nobody_up(application, buyer, settings, monkeypatch):
    monkeypatch.setattr(egress, "APPLICATION_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        settings.BECKN_APPLICATIONS = {"bpp": f"http://127.0.0.1:{mute.getsockname()[1]}"}
        begun = time.monotonic()
        with pytest.raises(WireError, match="NET_DOWNSTREAM_UNAVAILABLE"):
            hand_over(message(buyer))
        assert 0.2 <= time.monotonic() - begun < 3
