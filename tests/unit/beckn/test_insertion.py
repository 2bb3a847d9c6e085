from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from django.db import DataError, IntegrityError, transaction

from beckn.insertion import insert_new
from beckn.models import InboxMessage

pytestmark = pytest.mark.django_db
KEY = ("role", "subscriber_id", "action", "message_id")
NOW = datetime(2026, 1, 15, 17, 0, 0, 123456, tzinfo=UTC)


def row(**change: object) -> InboxMessage:
    whole = {
        "role": "bpp",
        "subscriber_id": "buyer.example",
        "action": "confirm",
        "tolerances": ["header-spelling", "£"],
        "message_id": uuid.uuid4(),
        "transaction_id": uuid.uuid4(),
        "authorization": 'Signature keyId="a|b|ed25519"',
        "public_key": "key",
        "raw": b"\x00\xff\x80",
        "digest": "d" * 128,
        "receipt": b"receipt",
        "received_at": NOW,
        "stored_at": None,
        "next_attempt_at": NOW,
    }
    return InboxMessage(**whole | change)


def told(one: InboxMessage) -> dict[str, object]:
    """Its values, without its key."""
    values = {field.attname: getattr(one, field.attname) for field in one._meta.concrete_fields}
    return {
        name: bytes(value) if isinstance(value, memoryview) else value for name, value in values.items() if name != "id"
    }


def test_rows_come_back_as_bulk_create_would_have_left_them():
    ours, theirs = row(), row(stored_at=NOW, problem="a 'quoted' %s word")
    insert_new([ours, theirs], KEY)
    found = {one.message_id: told(one) for one in InboxMessage.objects.all()}
    assert found == {ours.message_id: told(ours), theirs.message_id: told(theirs)}
    same = row(message_id=ours.message_id, subscriber_id="other.example", transaction_id=ours.transaction_id)
    InboxMessage.objects.bulk_create([same])
    assert told(InboxMessage.objects.get(subscriber_id="other.example")) == told(ours) | {
        "subscriber_id": "other.example"
    }


def test_rows_that_are_there_are_left_alone():
    first = row()
    insert_new([first], KEY)
    there, new, twice = row(message_id=first.message_id, digest="other"), row(), row()
    assert insert_new([there, new, twice, row(message_id=twice.message_id)], KEY) == [
        None,
        InboxMessage.objects.get(message_id=new.message_id).pk,
        InboxMessage.objects.get(message_id=twice.message_id).pk,
        None,
    ]
    assert InboxMessage.objects.count() == 3
    assert InboxMessage.objects.get(message_id=first.message_id).digest == first.digest
    insert_new([], KEY)
    assert InboxMessage.objects.count() == 3


def test_a_row_that_cannot_be_is_an_error_and_not_left_out():
    with pytest.raises((IntegrityError, DataError)), transaction.atomic():
        insert_new([row(), row(digest=None)], KEY)
    assert InboxMessage.objects.count() == 0
