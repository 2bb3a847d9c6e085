"""The log stands outside the database before anything is anchored, and a database that lost entries gets them back."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from marketplace.ledger import append_only, published, tiles
from marketplace.ledger.log import BrokenLogError, log_size, read_log
from marketplace.ledger.published import RestoredDatabaseError, own_key
from marketplace.ledger.recompute import chained
from marketplace.ledger.restore import restore
from marketplace.ledger.sequencer import sequence
from marketplace.ledger.tiles import TilesError
from marketplace.models import Anchor, Event, LedgerEntry, Organisation, OrganisationNumber
from marketplace.usecases.anchor_events import anchor_events
from tests.unit.marketplace.ledger import fsck
from tests.unit.marketplace.ledger.logged import Contract, at_the_database, happened
from tests.unit.marketplace.usecases.market import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path, settings, monkeypatch):
    settings.LEDGER_DIR = tmp_path / "log"
    settings.CHECKPOINT_KEY_FILE = tmp_path / "key"
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    return settings.LEDGER_DIR


@pytest.fixture
def north(db):
    return Organisation.objects.create(name="North", slug="north", kind="OPERATOR", created_at=NOW)


@pytest.fixture
def contract():
    made = Contract()
    made.chain_id, made.contract = 31337, "0x" + "c0" * 20
    return made


def checked(folder):
    """The published leaves, after the independent reader has derived everything again."""
    return fsck.check(lambda path: (folder / "public" / path).read_bytes(), own_key().public.text())


def grown(count, *parties, contract=None):
    happened(count, organisations=list(parties))
    head = anchor_events(now=NOW.replace(year=2024 + Anchor.objects.count()))
    if contract:
        contract.take()
    return head


def lose(first):
    """An older copy of the database comes back: entries from `first` on are gone, with their events and heads."""
    with at_the_database():
        for rows in (OrganisationNumber.objects.filter(entry__gte=first), LedgerEntry.objects.filter(seq__gte=first)):
            rows.delete()
        lost = Event.objects.filter(entry__isnull=True)
        Event.organisations.through.objects.filter(event__in=lost).delete()
        lost.delete()
        Anchor.objects.filter(size__gt=first).delete()


def test_everything_numbered_is_published_and_an_independent_reader_agrees(folder, north):
    for count in (3, 300, 1):
        head = grown(count, north)
        Anchor.objects.update(state="FINAL")
        assert checked(folder) == [entry.leaf for entry in read_log()]
        _, size, root = fsck.signed_head((folder / "public/checkpoint").read_bytes(), own_key().public.text())
        assert (head.size, head.root) == (size, root.hex())
    assert not list((folder / "public").rglob("000.p/*/x")), "full tiles have no partial forms left"
    assert {path.name for path in (folder / "public/tile/0").iterdir()} == {"000", "001.p"}
    assert not any(b"North" in path.read_bytes() for path in (folder / "public").rglob("*") if path.is_file())
    for path in (folder / "sealed").rglob("*.*"):
        assert path.stat().st_mode & 0o077 == 0


def test_nothing_is_anchored_that_is_not_on_the_disk(folder, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    happened(3)
    monkeypatch.setattr(tiles.Files, "write", full)
    with pytest.raises(OSError, match="No space left"):
        anchor_events(now=NOW)
    assert not Anchor.objects.exists()
    monkeypatch.undo()
    assert anchor_events(now=NOW).size == 3


@pytest.mark.parametrize("crash", range(7))
def test_a_crash_anywhere_leaves_a_whole_log_and_the_next_pass_goes_on(folder, monkeypatch, crash):
    grown(250)
    before, write, calls = checked(folder), tiles.Files.write, []

    def dies(self, path, data, **facts):
        calls.append(path)
        if len(calls) > crash:
            raise KeyboardInterrupt
        write(self, path, data, **facts)

    happened(20)
    monkeypatch.setattr(tiles.Files, "write", dies)
    with pytest.raises(KeyboardInterrupt):
        anchor_events(now=NOW)
    monkeypatch.setattr(tiles.Files, "write", write)
    assert checked(folder) == before
    anchor_events(now=NOW)
    assert len(checked(folder)) == 270


def test_a_restored_database_is_named_and_gets_everything_back(folder, north, contract):
    grown(3, north, contract=contract)
    grown(270, north, contract=contract)
    whole, heads = list(read_log()), list(Anchor.objects.order_by("seq").values_list("seq", "size", "root", "proof"))
    lose(3)
    happened(1)  # what happens meanwhile waits for its number
    said = r"holds 3 entries of the log and 273 were published: it was restored from an older copy\. manage\.py audit_restore"
    with pytest.raises(RestoredDatabaseError, match=said):
        anchor_events(now=NOW)
    assert log_size() == 3, "nothing was numbered beside the log"
    done = restore(contract, now=NOW)
    assert (done.entries, done.heads) == (270, 1)
    assert list(read_log()) == whole
    assert list(Anchor.objects.order_by("seq").values_list("seq", "size", "root", "proof")) == heads
    assert append_only.missing(connection) == []
    anchor_events(now=NOW)
    contract.take()
    assert len(checked(folder)) == 274
    assert list(chained(read_log())) == []
    assert restore(contract, now=NOW).entries == 0


def test_the_command_says_what_it_did_or_why_it_did_nothing(folder, north, settings, capsys):
    settings.CHAIN_RPC_URL = "none"
    with pytest.raises(CommandError, match=r"Nothing was restored: no published log is kept"):
        call_command("audit_restore")
    grown(5, north)
    lose(2)
    call_command("audit_restore")
    assert capsys.readouterr().out == "3 entries and 0 tree heads were put back.\n"


def test_a_database_that_has_gone_another_way_is_refused(folder, north, contract):
    grown(3, north, contract=contract)
    lose(2)
    happened(1)
    sequence(now=NOW)  # by something that does not look first: another event has the lost one's number
    with pytest.raises(BrokenLogError, match=r"entry 2 of the database is not the one that was published"):
        anchor_events(now=NOW)
    with pytest.raises(BrokenLogError, match="the two have parted"):
        restore(contract, now=NOW)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"payload": '{"n":9}'}, "entry 3 does not give the leaf"),
        ({"salt": "00" * 32}, "entry 3 does not give the leaf"),
        ({"parties": [[999, 4]]}, "organisation 999, which the database does not hold"),
        ({"seq": 99}, "entry 3 was published, and what it was made from is not in"),
    ],
)
def test_nothing_is_restored_from_what_was_changed(folder, north, contract, changed, said):
    grown(5, north, contract=contract)
    lose(2)
    path = Path(folder) / "sealed" / published.sealed_path(0)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[3] |= changed
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(BrokenLogError, match=said):
        restore(contract, now=NOW)
    assert log_size() == 2, "all or nothing"


def test_a_contract_of_another_log_and_a_checkpoint_of_another_key_are_refused(folder, north, contract):
    grown(5, north, contract=contract)
    lose(2)
    head = contract.accepted[-1]
    contract.accepted[-1] = head.__class__(head.number, 0, head.size, "ab" * 32, head.acc, head.tx_hash)
    with pytest.raises(BrokenLogError, match="a head 1 over 5 entries that is not of this log"):
        restore(contract, now=NOW)
    (Path(folder).parent / "key").unlink()
    with pytest.raises(TilesError, match="is not signed by this installation"):
        anchor_events(now=NOW)
