"""Numbers are gapless and in commit order, leaves are derived twice, and a batch that does not agree is never sealed."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from marketplace import events
from marketplace.ledger import append_only, merkle, sequencer
from marketplace.ledger.leaf import Leaf, canonical, party_commits, payload_commitment, refs
from marketplace.ledger.log import BrokenLogError, leaf_hashes, log_size, read_log
from marketplace.ledger.recompute import Stored, chained, commitment_of, faults, leaf_of, payload_faults
from marketplace.models import Event, LedgerEntry, Organisation

NOW = datetime(2024, 1, 16, 13, 10, tzinfo=UTC)


def append(n, **changed):
    facts = {"type": "offer.drafted", "subject": f"offer:{n}", "organisations": [], "now": NOW} | changed
    with transaction.atomic():
        return events.append(payload={"n": n}, **facts)


def test_numbers_are_gapless_and_each_entry_links_to_the_one_before(db):
    organisation = Organisation.objects.create(name="North Hall", slug="north", kind="OPERATOR", created_at=NOW)
    for n in range(3):
        append(n, organisations=[organisation])
    assert sequencer.sequence(now=NOW) == 3
    append(3)
    assert sequencer.sequence(now=NOW) == 1
    entries = list(LedgerEntry.objects.select_related("event").order_by("seq"))
    assert [entry.seq for entry in entries] == [0, 1, 2, 3]
    assert [bytes(entry.event.payload) for entry in entries] == [f'{{"n":{n}}}'.encode() for n in range(4)]
    assert [entry.prev_hash for entry in entries] == ["0" * 64, *(entry.leaf_hash for entry in entries[:3])]
    assert [merkle.leaf_hash(bytes(entry.leaf)).hex() for entry in entries] == [entry.leaf_hash for entry in entries]
    assert leaf_hashes(4) == [bytes.fromhex(entry.leaf_hash) for entry in entries]
    assert list(chained(read_log())) == []


def test_nothing_waiting_is_nothing_done(db):
    assert sequencer.sequence(now=NOW) == 0
    assert log_size() == 0


def test_events_of_one_transaction_keep_their_order(db):
    with transaction.atomic():
        for n in range(30):
            append(n, now=NOW)
    sequencer.sequence(now=NOW)
    ordered = LedgerEntry.objects.order_by("seq").values_list("event__subject", flat=True)
    assert list(ordered) == [f"offer:{n}" for n in range(30)]


def test_the_markets_clock_does_not_decide_the_order(db):
    append(0, now=NOW)
    append(1, now=NOW.replace(year=2020))
    sequencer.sequence(now=NOW)
    assert list(LedgerEntry.objects.order_by("seq").values_list("event__subject", flat=True)) == ["offer:0", "offer:1"]


def test_a_backlog_larger_than_a_batch_is_numbered_whole(db, monkeypatch):
    monkeypatch.setattr(sequencer, "BATCH", 7)
    for n in range(23):
        append(n)
    assert sequencer.sequence(now=NOW) == 23
    assert list(chained(read_log())) == []


def test_the_leaf_names_nobody(db):
    organisation = Organisation.objects.create(name="North Hall", slug="north", kind="OPERATOR", created_at=NOW)
    append(1, subject="site:norwich", organisations=[organisation])
    sequencer.sequence(now=NOW)
    leaf = bytes(LedgerEntry.objects.get().leaf).decode()
    assert set(json.loads(leaf)) == {
        "v",
        "type",
        "seq",
        "at",
        "prev",
        "payload_commit",
        "party_commits",
        "refs",
    }
    assert not any(word in leaf.lower() for word in ("norwich", "north", "hall", '"n":'))


@pytest.mark.django_db(transaction=True)
def test_a_late_commit_is_numbered_late_and_never_lost():
    """On PostgreSQL the early event is still uncommitted while the later one is numbered; SQLite makes the second wait."""
    if connection.vendor == "sqlite":
        append(0)
        append(1)
        assert sequencer.sequence(now=NOW) == 2
        return
    begun, go = threading.Event(), threading.Event()

    def slow():
        with transaction.atomic():
            append(0)
            begun.set()
            assert go.wait(20)
        connection.close()

    writer = threading.Thread(target=slow)
    writer.start()
    assert begun.wait(20)
    append(1)
    assert sequencer.sequence(now=NOW) == 1
    go.set()
    writer.join()
    assert sequencer.sequence(now=NOW) == 1
    assert list(LedgerEntry.objects.order_by("seq").values_list("event__subject", flat=True)) == ["offer:1", "offer:0"]
    assert list(chained(read_log())) == []


def test_a_second_sequencer_fails_and_loses_nothing(db, monkeypatch):
    """Another one numbers the same event between our reading and our writing."""
    append(0)
    make = sequencer.entry_of

    def overtaken(event, *, seq, prev, now):
        make(event, seq=seq, prev=prev, now=now).save(force_insert=True)
        return make(event, seq=seq, prev=prev, now=now)

    monkeypatch.setattr(sequencer, "entry_of", overtaken)
    with pytest.raises(Exception, match=r"append-only|unique|UNIQUE"):
        sequencer.sequence(now=NOW)
    monkeypatch.undo()
    assert LedgerEntry.objects.count() == 0
    assert sequencer.sequence(now=NOW) == 1


def test_a_payload_changed_before_numbering_stops_the_log(db):
    append(0)
    event = append(1)
    append_only.disarm(connection)
    Event.objects.filter(pk=event.pk).update(payload=b'{"n":9}')
    append_only.arm(connection)
    with pytest.raises(BrokenLogError, match=r"entry 1 \(offer\.drafted\): payload and salt do not give"):
        sequencer.sequence(now=NOW)
    assert LedgerEntry.objects.count() == 0


def test_a_fault_in_the_first_way_stops_the_log(db, monkeypatch):
    append(0)
    monkeypatch.setattr(sequencer, "refs", lambda subject, *, salt: ())
    with pytest.raises(BrokenLogError, match="the leaf differs from its event in refs"):
        sequencer.sequence(now=NOW)
    assert LedgerEntry.objects.count() == 0


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
PLAIN = st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXTS
PAYLOADS = st.dictionaries(
    st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=6),
    PLAIN | st.lists(PLAIN, max_size=4) | st.dictionaries(st.sampled_from("abc"), PLAIN, max_size=3),
    max_size=5,
)


@given(
    PAYLOADS,
    TEXTS,
    st.lists(st.integers(1, 10**9), max_size=4, unique=True),
    st.integers(0, 10**15).map(lambda microseconds: NOW + timedelta(microseconds=microseconds)),
    st.integers(0, 2**40),
    st.binary(min_size=32, max_size=32),
)
def test_both_ways_to_a_leaf_agree(payload, subject, parties, at, seq, salt):
    body = canonical(payload)
    commit = payload_commitment(type="a.b", salt=salt, payload=body)
    leaf = Leaf(
        seq=seq,
        type="a.b",
        at=at,
        prev="ab" * 32,
        payload_commit=commit,
        party_commits=party_commits(parties, salt=salt),
        refs=refs(subject, salt=salt),
    ).bytes()
    entry = Stored(
        seq=seq,
        type="a.b",
        at=at,
        subject=subject,
        parties=tuple(parties),
        payload=body,
        salt=salt,
        payload_commit=commit,
        leaf=leaf,
        leaf_hash=merkle.leaf_hash(leaf).hex(),
        prev_hash="ab" * 32,
    )
    assert commitment_of(entry) == commit
    assert leaf_of(entry) == leaf
    assert list(faults(entry, prev="ab" * 32)) == []


@pytest.mark.parametrize(
    "payload", [b"{", b"\xff", b'{"a": 1}', b'{"b":1,"a":1}', b'{"a":1,"a":1}', b"[" * 50_000, b'{"a":1e999}']
)
def test_a_payload_that_is_not_canonical_is_named(payload):
    entry = SimpleNamespace(type="a.b", salt=b"", payload=payload, payload_commit="")
    found = [fault.why for fault in payload_faults(entry)]
    assert any("canonical" in why or "not JSON" in why for why in found)
