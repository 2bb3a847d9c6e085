"""The database itself refuses to change or delete what stands in the log, and an emptied test leaves the refusal in place."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError

from marketplace import events
from marketplace.ledger import append_only
from marketplace.ledger.sequencer import sequence
from marketplace.models import Event, LedgerEntry, Organisation, OrganisationNumber

NOW = datetime(2024, 1, 16, 13, 10, tzinfo=UTC)
TABLES = tuple(append_only.TABLES)


@pytest.fixture
def entry(db):
    with transaction.atomic():
        organisation = Organisation.objects.create(name="North Hall", slug="north", kind="OPERATOR", created_at=NOW)
        events.append(type="a.b", subject="", payload={"n": 1}, organisations=[organisation], now=NOW)
    sequence(now=NOW)
    return LedgerEntry.objects.select_related("event").get()


def refused(act, *args, **kwargs):
    with pytest.raises(IntegrityError, match="the log is append-only"), transaction.atomic():
        act(*args, **kwargs)


def execute(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("field", ["payload", "salt", "payload_commit", "type", "at", "subject"])
def test_no_column_of_an_event_changes(entry, field):
    refused(
        Event.objects.update, **{field: {"payload": b"x", "salt": b"x", "at": NOW.replace(year=2030)}.get(field, "x")}
    )


@pytest.mark.parametrize("field", ["leaf", "leaf_hash", "prev_hash", "created_at", "seq"])
def test_no_column_of_an_entry_changes(entry, field):
    values = {"leaf": b"x", "created_at": NOW.replace(year=2030), "seq": 9}
    refused(LedgerEntry.objects.update, **{field: values.get(field, "x")})


def test_neither_is_deleted(entry):
    with pytest.raises(ProtectedError):  # Django's own refusal: the entry has a number in an organisation
        entry.delete()
    for table in reversed(TABLES):
        refused(execute, f"DELETE FROM {table}")
    assert (Event.objects.count(), LedgerEntry.objects.count()) == (1, 1)


def test_no_row_is_replaced(entry):
    columns = "(seq, leaf, leaf_hash, prev_hash, created_at, event_id)"
    same = "SELECT seq, leaf, 'other', prev_hash, created_at, event_id FROM marketplace_ledgerentry WHERE true"
    renumbered = same.replace("seq", "7", 1)
    ways = [f"INSERT INTO marketplace_ledgerentry {columns} {same} ON CONFLICT (seq) DO UPDATE SET leaf_hash = 'other'"]
    if connection.vendor == "sqlite":  # its REPLACE deletes the old row without firing delete triggers
        ways += [f"INSERT OR REPLACE INTO marketplace_ledgerentry {columns} {one}" for one in (same, renumbered)]
        ways += ["INSERT OR REPLACE INTO marketplace_event SELECT * FROM marketplace_event"]
    for statement in ways:
        refused(execute, statement)


@pytest.mark.postgres
def test_no_table_is_truncated(entry):
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table in TABLES:
        refused(execute, f"TRUNCATE {table} CASCADE")


def test_what_an_entry_concerns_and_its_numbers_there_do_not_change(entry):
    numbers, concerned = OrganisationNumber.objects, Event.organisations.through.objects
    refused(numbers.update, org_seq=2)
    refused(concerned.update, organisation_id=2)
    refused(numbers.all().delete)
    refused(concerned.all().delete)


def test_nothing_is_numbered_past_a_gap_or_beside_the_entry_before(entry):
    with transaction.atomic():
        event = events.append(type="a.b", subject="", payload={"n": 2}, organisations=[], now=NOW)
    facts = {"event": event, "leaf": b"x", "leaf_hash": "ab" * 32, "created_at": NOW}
    refused(LedgerEntry.objects.create, seq=2, prev_hash=entry.leaf_hash, **facts)
    refused(LedgerEntry.objects.create, seq=1, prev_hash="cd" * 32, **facts)
    follower = LedgerEntry.objects.create(seq=1, prev_hash=entry.leaf_hash, **facts)
    given = OrganisationNumber.objects.get()
    refused(OrganisationNumber.objects.create, entry=follower, organisation=given.organisation, org_seq=3)
    OrganisationNumber.objects.create(entry=follower, organisation=given.organisation, org_seq=2)


def test_entries_from_before_the_numbers_are_given_theirs_in_the_logs_order(entry):
    with transaction.atomic():
        for n in (2, 3):
            parties = entry.event.organisations.all() if n == 3 else []
            events.append(type="a.b", subject="", payload={"n": n}, organisations=parties, now=NOW)
    sequence(now=NOW)
    due = list(OrganisationNumber.objects.values_list("entry_id", "organisation_id", "org_seq"))
    migration = import_module("marketplace.migrations.0020_organisation_numbers")
    append_only.disarm(connection)
    OrganisationNumber.objects.all().delete()
    migration.number(apps, None)
    migration.arm(apps, SimpleNamespace(connection=connection))
    assert list(OrganisationNumber.objects.values_list("entry_id", "organisation_id", "org_seq")) == due
    assert [seq for *_, seq in due] == [1, 2]


def test_what_is_no_evidence_still_changes(db):
    organisation = Organisation.objects.create(name="North Hall", slug="north", kind="OPERATOR", created_at=NOW)
    Organisation.objects.update(name="South Hall")
    organisation.refresh_from_db()
    assert organisation.name == "South Hall"


def test_the_migration_can_be_undone_and_done_again(entry):
    migration = import_module("marketplace.migrations.0002_append_only_log")
    editor = SimpleNamespace(connection=connection)
    migration.disarm(apps, editor)
    assert sorted(append_only.missing(connection)) == sorted(
        name for table in TABLES for name in append_only.trigger_names(connection, table)
    )
    Event.objects.update(subject="changed")
    for _ in range(2):
        migration.arm(apps, editor)
    assert append_only.missing(connection) == []
    refused(Event.objects.update, subject="changed again")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", [1, 2])
def test_a_test_that_commits_finds_an_empty_log_and_the_triggers_up(turn):
    assert not LedgerEntry.objects.exists()
    assert append_only.missing(connection) == []
    with transaction.atomic():
        events.append(type="a.b", subject="", payload={"n": turn}, organisations=[], now=NOW)
    assert sequence(now=NOW) == 1
    refused(LedgerEntry.objects.update, prev_hash="x")
