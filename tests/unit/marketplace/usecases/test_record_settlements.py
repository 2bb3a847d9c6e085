"""Each statement gets one record, after a head that covers it, and an auditor can recompute it from what is disclosed."""

from __future__ import annotations

import hashlib
import json
import uuid

import pytest

from marketplace.ledger.log import statement_entry
from marketplace.ledger.settlement import record_key
from marketplace.models import Anchor, SettlementRecord, SettlementStatement
from marketplace.usecases import record_settlements as room
from marketplace.usecases.anchor_events import anchor_events
from marketplace.usecases.record_settlements import record_settlements
from marketplace.usecases.tell_statement import tell_statement
from tests.unit.marketplace.ledger.logged import Contract, statement
from tests.unit.marketplace.usecases.market import END

pytestmark = pytest.mark.django_db


def corrected(before: SettlementStatement, version: int) -> SettlementStatement:
    """The same statement as a later version that supersedes `before`, with its lines and its event."""
    facts = {field.attname: getattr(before, field.attname) for field in SettlementStatement._meta.concrete_fields}
    facts |= {
        "id": uuid.uuid4(),
        "version": version,
        "sequence": version,
        "supersedes_id": before.pk,
        "delta_pence": 0,
        "created_at": END,
    }
    made = SettlementStatement.objects.create(**facts)
    for line in before.lines.all():
        line.pk, line.statement = None, made
        line.save(force_insert=True)
    tell_statement(statement=made, now=END)
    return made


def test_a_statement_no_head_covers_is_not_recorded_yet():
    made = statement()
    assert record_settlements(now=END) == 0
    assert not SettlementRecord.objects.filter(statement=made).exists()


def test_a_head_the_contract_refused_covers_nothing():
    statement()
    anchor_events(now=END)
    Anchor.objects.update(state="FAILED")
    assert record_settlements(now=END) == 0


def test_a_covered_statement_is_recorded_once_behind_its_head():
    made = statement()
    head = anchor_events(now=END)
    assert record_settlements(now=END) == 1
    assert record_settlements(now=END) == 0
    record = SettlementRecord.objects.get(statement=made)
    assert (record.anchor.kind, record.anchor.state, record.run, record.supersedes) == ("RECORD", "PENDING", "II", "")
    assert record.anchor.pk > head.pk, "the sender takes anchors in the order they were made"


def test_an_auditor_recomputes_the_hashes_from_salt_log_and_payload(settings):
    made = statement()
    anchor_events(now=END)
    record_settlements(now=END)
    record, payload = SettlementRecord.objects.get(), bytes(statement_entry(made).event.payload)
    salt = bytes(record.salt)
    assert len(salt) == 32
    identity = hashlib.sha256(b"caco/sid/v1" + settings.LEDGER_LOG_ID.encode() + salt + made.pk.bytes).hexdigest()
    assert record.settlement_id == identity
    assert record.commitment == hashlib.sha256(b"caco/settlement/v1\x00" + salt + payload).hexdigest()
    assert json.loads(payload)["amount_pence"] == str(made.amount_pence)
    assert record_key(identity, "II") == hashlib.sha256(bytes.fromhex(identity) + b"II").hexdigest()


def test_a_correction_names_the_record_it_supersedes_even_in_one_batch():
    first = statement()
    second = corrected(first, 2)
    third = corrected(second, 3)
    anchor_events(now=END)
    assert record_settlements(now=END) == 3
    records = {record.statement_id: record for record in SettlementRecord.objects.all()}
    keys = {pk: record_key(record.settlement_id, record.run) for pk, record in records.items()}
    assert [records[one.pk].supersedes for one in (first, second, third)] == ["", keys[first.pk], keys[second.pk]]
    Contract().take()  # it refuses an unknown predecessor


def test_a_correction_waits_for_what_it_corrects(monkeypatch):
    first = statement()
    corrected(first, 2)
    anchor_events(now=END)
    found = room.statement_entry
    monkeypatch.setattr(room, "statement_entry", lambda one: None if one.pk == first.pk else found(one))
    assert record_settlements(now=END) == 0
    monkeypatch.undo()
    assert record_settlements(now=END) == 2


def test_batches_are_bounded(monkeypatch):
    monkeypatch.setattr(room, "BATCH", 2)
    last = statement()
    for version in range(2, 6):
        last = corrected(last, version)
    anchor_events(now=END)
    assert record_settlements(now=END) == 5
    batches = Anchor.objects.filter(kind="RECORD").order_by("pk")
    assert [batch.records.count() for batch in batches] == [2, 2, 1]
    Contract().take()


def test_salts_differ_so_equal_statements_cannot_be_told_to_be_equal():
    first = statement()
    corrected(first, 2)
    anchor_events(now=END)
    record_settlements(now=END)
    one, two = SettlementRecord.objects.all()
    assert bytes(one.salt) != bytes(two.salt)
