"""Events stand in the caller's transaction, hold canonical bytes, and hide them behind a salt of their own."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from django.db import transaction

from marketplace import events
from marketplace.ledger.leaf import PayloadError
from marketplace.models import Event, Organisation

NOW = datetime(2024, 1, 16, 13, 10, 0, 123456, tzinfo=UTC)


def append(payload, **changed):
    facts = {"type": "offer.drafted", "subject": "offer:1", "organisations": [], "now": NOW} | changed
    return events.append(payload=payload, **facts)


@pytest.fixture
def organisation(db):
    return Organisation.objects.create(name="North Hall", slug="north", kind="OPERATOR", created_at=NOW)


def test_an_event_holds_canonical_bytes_a_salt_and_the_commitment_to_both(organisation):
    event = append({"site": "norwich", "power_w": 412500}, organisations=[organisation])
    event = Event.objects.get(pk=event.pk)
    assert bytes(event.payload) == b'{"power_w":412500,"site":"norwich"}'
    assert len(bytes(event.salt)) == 32
    expected = hashlib.sha256(b"caco/v1/offer.drafted\0" + bytes(event.salt) + bytes(event.payload)).hexdigest()
    assert event.payload_commit == expected
    assert (event.at, event.subject, list(event.organisations.all())) == (NOW, "offer:1", [organisation])


def test_each_event_has_a_salt_of_its_own(db):
    first, second = append({"a": 1}), append({"a": 1})
    assert bytes(first.salt) != bytes(second.salt)
    assert first.payload_commit != second.payload_commit


def test_ids_grow_in_the_order_of_appending(db):
    ids = [append({"n": n}).pk for n in range(50)]
    assert ids == sorted(ids)
    assert {one.version for one in ids} == {7}
    assert [event.payload for event in Event.objects.order_by("pk")] == [f'{{"n":{n}}}'.encode() for n in range(50)]


def test_ids_grow_even_when_the_clock_is_set_back(monkeypatch):
    ids = events.TimeOrderedIds()
    monkeypatch.setattr(events.time, "time_ns", lambda: 1_700_000_000_000_000_000)
    first = ids.next()
    monkeypatch.setattr(events.time, "time_ns", lambda: 1_600_000_000_000_000_000)
    assert ids.next() > first


@pytest.mark.django_db(transaction=True)
def test_an_event_outside_a_transaction_is_refused():
    with pytest.raises(events.NotInTransactionError, match=r"offer\.drafted of offer:1"):
        append({"a": 1})
    assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_event_goes_when_its_effect_is_rolled_back():
    def doomed():
        with transaction.atomic():
            append({"a": 1})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        doomed()
    assert not Event.objects.exists()


def test_a_payload_outside_the_profile_is_refused_by_name(db):
    with pytest.raises(PayloadError, match=r"lines\[1\]\.price is a float") as refused:
        append({"lines": [{"price": 1}, {"price": 0.1}]})
    assert refused.value.member == "lines[1].price"
    assert not Event.objects.exists()
