from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DataError
from django.utils import timezone

from beckn import inbox, insertion, ports, registry
from beckn.inbox import Judged, Stored
from beckn.models import InboxMessage, OutboxMessage, Subscriber
from beckn.testing import Participant
from beckn.wire import body, receipts, signing
from beckn.wire.errors import WireError
from tests.unit.beckn import application
from tests.unit.beckn.messages import CONTRACT

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def frozen(monkeypatch) -> None:
    """Registration and the outbox read the clock; here it stands still."""
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def judge(sender: Participant, told: dict[str, Any] | bytes, **change: Any) -> Judged:
    raw = told if isinstance(told, bytes) else body.dump(told)
    action = change.pop("action", None) or body.parse(raw)["context"]["action"]
    authorization = change.pop("authorization", None) or sender.authorization(raw, at=NOW)
    signature = signing.parse(authorization)
    signer = registry.lookup(signature.subscriber_id, signature.key_id, now=NOW)
    role = "bap" if action.startswith("on_") else "bpp"
    return inbox.judge(
        raw, authorization=authorization, signature=signature, signer=signer, role=role, action=action, now=NOW
    )


def code_of(*args: Any, **change: Any) -> str:
    with pytest.raises(WireError) as found:
        judge(*args, **change)
    return found.value.code


def confirm(buyer: Participant, **change: Any) -> dict[str, Any]:
    return buyer.envelope("confirm", {"contract": CONTRACT}, at=NOW, **change)


def stored(buyer: Participant, told: dict[str, Any]) -> InboxMessage:
    (outcome,) = inbox.store([judge(buyer, told)], now=NOW)
    assert isinstance(outcome, Stored)
    return InboxMessage.objects.get(pk=outcome.pk)


# --- judging


def test_a_good_message_becomes_a_row_with_its_signed_receipt(buyer):
    told = confirm(buyer)
    row = stored(buyer, told)
    assert (row.subscriber_id, row.action, row.state) == ("buyer.example", "confirm", "RECEIVED")
    assert str(row.message_id) == told["context"]["messageId"]
    assert bytes(row.raw) == body.dump(told)
    key = Subscriber.objects.get(role="bpp").public_key
    receipt = bytes(row.receipt)
    assert receipts.is_countersigned(receipt, request=bytes(row.raw), message_id=str(row.message_id), public_key=key)


def test_a_tampered_body_and_a_wrong_signer_are_refused(buyer):
    raw = body.dump(confirm(buyer))
    authorization = buyer.authorization(raw, at=NOW)
    assert code_of(buyer, raw.replace(b"1200.5", b"1200.6"), authorization=authorization) == "AUT_SIGNATURE_INVALID"
    thief = Participant("bap", "thief.example")
    thief.register()
    assert code_of(thief, raw) == "AUT_UNAUTHORIZED_ACTION"
    forged = authorization.replace("buyer.example", "thief.example").replace("bap-test", thief.signer.key_id)
    assert code_of(buyer, raw, authorization=forged) == "AUT_SIGNATURE_INVALID"


def test_the_other_role_may_not_say_it(buyer, seller):
    told = confirm(buyer)
    told["context"]["bapId"] = "seller.example"
    assert code_of(seller, told) == "AUT_UNAUTHORIZED_ACTION"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"messageId": "x"}, "CTX_INVALID_FIELD"),
        ({"bppId": "other.example"}, "CTX_INVALID_FIELD"),
        ({"timestamp": "2026-11-20T11:00:00Z"}, "CTX_TTL_EXPIRED"),
        ({"action": "init"}, "CTX_ACTION_MISMATCH"),
    ],
)
def test_a_context_that_does_not_fit_is_refused(buyer, change, code):
    told = confirm(buyer)
    told["context"] |= change
    assert code_of(buyer, told, action="confirm") == code


def test_a_wrong_shape_and_no_json_are_refused(buyer):
    assert code_of(buyer, buyer.envelope("confirm", {}, at=NOW)) == "SCH_REQUIRED_FIELD_MISSING"
    assert code_of(buyer, b"{", action="confirm") == "SCH_INVALID_JSON"
    assert not InboxMessage.objects.exists()


# --- storing


def test_copies_get_the_first_receipt_and_one_row(buyer):
    told = confirm(buyer)
    first = stored(buyer, told)
    later = judge(buyer, told)
    later.row.receipt = b"another second, another receipt"
    together = inbox.store([later, judge(buyer, confirm(buyer)), judge(buyer, told)], now=NOW)
    assert [one.receipt == bytes(first.receipt) for one in together] == [True, False, True]
    assert together[0] == Stored(first.pk, bytes(first.receipt), is_new=False)
    assert InboxMessage.objects.count() == 2


def test_the_same_id_with_another_body_is_a_conflict(buyer):
    told = confirm(buyer)
    first = stored(buyer, told)
    told["context"]["ttl"] = "PT31S"
    (refused,) = inbox.store([judge(buyer, told)], now=NOW)
    assert isinstance(refused, WireError)
    assert (refused.code, refused.http_status) == ("CTX_MESSAGE_ID_DUPLICATE", 400)
    assert bytes(InboxMessage.objects.get().raw) == bytes(first.raw)


def test_two_senders_may_use_the_same_id(buyer):
    other = Participant("bap", "other.example")
    other.register()
    message_id = uuid.uuid4()
    items = [judge(one, confirm(one, message_id=message_id)) for one in (buyer, other)]
    assert all(isinstance(one, Stored) and one.is_new for one in inbox.store(items, now=NOW))


def test_a_key_revoked_between_judging_and_storing_stores_nothing(buyer):
    other = Participant("bap", "other.example")
    other.register()
    items = [judge(buyer, confirm(buyer)), judge(other, confirm(other))]
    Subscriber.objects.filter(subscriber_id="buyer.example").update(status="REVOKED")
    refused, kept = inbox.store(items, now=NOW)
    assert isinstance(refused, WireError)
    assert (refused.code, refused.http_status) == ("AUT_KEY_EXPIRED_OR_REVOKED", 401)
    assert isinstance(kept, Stored)
    assert InboxMessage.objects.get().subscriber_id == "other.example"


def test_one_row_that_cannot_be_stored_costs_nobody_else(buyer, monkeypatch):
    items = [judge(buyer, confirm(buyer)) for _ in range(3)]
    poison = items[1].row.message_id
    insert = insertion.insert_new

    def refusing(rows: list[InboxMessage], key: tuple[str, ...]) -> list[int | None]:
        if any(row.message_id == poison for row in rows):
            raise DataError("value too long")
        return insert(rows, key)

    monkeypatch.setattr(insertion, "insert_new", refusing)
    first, failed, last = inbox.store(items, now=NOW)
    assert isinstance(first, Stored)
    assert isinstance(last, Stored)
    assert isinstance(failed, WireError)
    assert failed.http_status == 500
    assert InboxMessage.objects.count() == 2


# --- handling


def test_a_request_is_handled_once_and_its_callback_stored_with_it(buyer):
    row = stored(buyer, confirm(buyer))
    assert inbox.handle(row.pk, now=NOW) == "HANDLED"
    assert inbox.handle(row.pk, now=NOW) == "HANDLED"
    (message,) = application.seen
    assert message.message["contract"] == CONTRACT
    assert (message.role, message.action, message.subscriber_id) == ("bpp", "confirm", "buyer.example")
    callback = OutboxMessage.objects.get()
    told = body.parse(bytes(callback.raw))
    assert (callback.action, callback.to, callback.answers_id) == ("on_confirm", "buyer.example", row.pk)
    assert (callback.message_id, callback.transaction_id) == (row.message_id, row.transaction_id)
    assert told["message"]["contract"] == CONTRACT
    assert told["context"]["messageId"] == str(row.message_id)


def refusing(message: ports.Message) -> None:
    Subscriber.objects.create(
        subscriber_id="left over", key_id="k", role="bap", url="u", public_key="p", valid_from=NOW, valid_until=NOW
    )
    raise ports.Refusal("BIZ_QUANTITY_UNAVAILABLE", "Only 62.5 kW are left.", {"available_kw": "62.5"})


@pytest.mark.parametrize(
    ("action", "sent", "echoed"),
    [("confirm", {"contract": CONTRACT}, {"contract": CONTRACT}), ("discover", {"intent": {}}, {"catalogs": []})],
)
def test_a_refusal_is_kept_answered_and_leaves_no_other_effect(buyer, action, sent, echoed):
    application.behaviour[0] = refusing
    row = stored(buyer, buyer.envelope(action, sent, at=NOW))
    assert inbox.handle(row.pk, now=NOW) == "REFUSED"
    row.refresh_from_db()
    assert row.problem == "BIZ_QUANTITY_UNAVAILABLE: Only 62.5 kW are left."
    assert row.handled_at == NOW
    told = body.parse(bytes(OutboxMessage.objects.get().raw))
    assert told["message"] == echoed
    assert told["error"] == {
        "errorCode": "BIZ_QUANTITY_UNAVAILABLE",
        "errorMessage": "Only 62.5 kW are left.",
        "code": "BIZ_QUANTITY_UNAVAILABLE",
        "message": "Only 62.5 kW are left.",
        "details": {"available_kw": "62.5"},
    }
    assert not Subscriber.objects.filter(subscriber_id="left over").exists()


def test_a_refused_callback_is_kept_and_owed_nothing(seller):
    application.behaviour[0] = refusing
    row = stored(seller, seller.envelope("on_confirm", {"contract": CONTRACT}, at=NOW))
    assert inbox.handle(row.pk, now=NOW) == "REFUSED"
    assert not OutboxMessage.objects.exists()


def test_a_handled_callback_and_a_request_without_a_reply_are_owed_nothing(seller, buyer):
    row = stored(seller, seller.envelope("on_confirm", {"contract": CONTRACT}, at=NOW))
    assert inbox.handle(row.pk, now=NOW) == "HANDLED"
    application.behaviour[0] = lambda _: None
    assert inbox.handle(stored(buyer, confirm(buyer)).pk, now=NOW) == "HANDLED"
    assert not OutboxMessage.objects.exists()


def failing(message: ports.Message) -> None:
    OutboxMessage.objects.all().delete()
    raise RuntimeError("the solver is out of memory")


def test_a_fault_is_retried_later_then_dead_and_can_be_driven_again(buyer):
    row = stored(buyer, confirm(buyer))
    application.behaviour[0] = failing
    now = NOW
    for attempt in range(1, inbox.MAX_ATTEMPTS + 1):
        state = inbox.handle(row.pk, now=now)
        row.refresh_from_db()
        assert (row.attempts, state) == (attempt, "DEAD" if attempt == inbox.MAX_ATTEMPTS else "RECEIVED")
        assert row.problem == "RuntimeError: the solver is out of memory"
        pause = (row.next_attempt_at - now).total_seconds()
        assert 2**attempt / 2 <= pause <= 2**attempt
        assert inbox.handle(row.pk, now=now) == state  # not due yet: nothing happens
        assert len(application.seen) == attempt
        assert row.pk not in inbox.due(now=now, limit=10)
        now = row.next_attempt_at
    assert inbox.due(now=now, limit=10) == []
    assert inbox.handle(row.pk, now=now) == "DEAD"
    application.behaviour[0] = application.answer
    assert inbox.redrive(row.pk, now=now)
    assert inbox.due(now=now, limit=10) == [row.pk]
    assert inbox.handle(row.pk, now=now) == "HANDLED"
    assert OutboxMessage.objects.count() == 1
    assert not inbox.redrive(row.pk, now=now)


def test_a_message_that_kills_its_worker_ends_as_a_dead_letter_too(buyer):
    row = stored(buyer, confirm(buyer))
    now = NOW
    for _ in range(inbox.MAX_ATTEMPTS):
        assert inbox.claim(row.pk, now=now)  # and then the worker is killed
        now += timedelta(hours=1)
    assert inbox.handle(row.pk, now=now) == "DEAD"
    row.refresh_from_db()
    assert "died" in row.problem
    assert application.seen == []


def test_an_invalid_reply_is_a_fault_and_is_never_sent(buyer):
    application.behaviour[0] = lambda _: ports.Reply({"contract": {"id": "no uuid"}})
    row = stored(buyer, confirm(buyer))
    assert inbox.handle(row.pk, now=NOW) == "RECEIVED"
    row.refresh_from_db()
    assert "OutboundError" in row.problem
    assert "/message/contract" in row.problem
    assert not OutboxMessage.objects.exists()
