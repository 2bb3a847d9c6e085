"""The whole log is recomputed, and whoever changes it at the database is found, with the entry named."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from marketplace.ledger import append_only, log, merkle, reader
from marketplace.ledger.leaf import payload_commitment
from marketplace.ledger.log import leaf_hashes, stored
from marketplace.ledger.onchain import ChainUnavailableError
from marketplace.ledger.recompute import leaf_of
from marketplace.ledger.verify import verify_log
from marketplace.models import Anchor, Event, LedgerEntry, SettlementRecord, SettlementStatement, StatementLine
from tests.unit.marketplace.ledger.logged import (
    Contract,
    anchored,
    at_the_database,
    change_event,
    happened,
    statement,
)

pytestmark = pytest.mark.django_db
EVERY_CHECK = [
    "entries",
    "heads",
    "growth",
    "chain_heads",
    "records",
    "chain_records",
    "statements",
    "money",
    "rounding",
    "manifests",
    "triggers",
]


@pytest.fixture(scope="module")
def built(django_db_setup: None, django_db_blocker: Any) -> Iterator[Contract]:
    """A log of small events and a statement under two heads, with the statement's record on chain, made once."""
    made = Contract()
    with django_db_blocker.unblock(), transaction.atomic():
        happened(3)
        anchored(made)
        statement()
        happened(2)
        anchored(made)
        happened(1)
        yield made
        transaction.set_rollback(True)


@pytest.fixture
def contract(built: Contract, db: None) -> Contract:
    """The contract; what a test changes in the log is rolled back after it."""
    return copy.deepcopy(built)


def wrong(contract: Contract) -> dict[str, str]:
    """The checks that fail, and what they say."""
    return {check.name: check.why for check in verify_log(lambda: contract) if check.held is False}


def verify(connect: Callable[[], Any], monkeypatch: pytest.MonkeyPatch, *options: str) -> tuple[int, str]:
    """The command's exit status and what it printed."""
    monkeypatch.setattr(reader, "installed", connect)
    said, status = StringIO(), 0
    try:
        call_command("ledger_verify", *options, stdout=said)
    except SystemExit as ended:
        status = int(str(ended.code))
    return status, said.getvalue()


def test_a_whole_log_holds(contract, monkeypatch):
    assert [(check.name, check.held) for check in verify_log(lambda: contract)] == [
        (name, True) for name in EVERY_CHECK
    ]
    status, said = verify(lambda: contract, monkeypatch)
    assert status == 0
    assert said.count("      holds  ") == len(EVERY_CHECK)
    assert "1 events without a number" in said


def test_as_json_it_is_one_object(contract, monkeypatch):
    status, said = verify(lambda: contract, monkeypatch, "--json")
    facts = json.loads(said)
    assert (status, facts["verified"], facts["entries"], facts["unnumbered"]) == (
        0,
        True,
        LedgerEntry.objects.count(),
        1,
    )
    assert {check["name"] for check in facts["checks"]} == set(EVERY_CHECK)


def test_a_chain_that_is_down_is_not_a_success(contract, monkeypatch):
    contract.down = True
    status, said = verify(lambda: contract, monkeypatch)
    assert status == 2
    assert said.count("not checked") == 2
    assert "could not be asked: the chain does not answer" in said


def test_no_chain_is_not_a_success_either(contract, monkeypatch):
    status, said = verify(lambda: None, monkeypatch, "--json")
    assert (status, json.loads(said)["verified"]) == (2, None)
    assert "NO_CHAIN" in said


def test_a_contract_that_is_not_there_is_said(contract, monkeypatch):
    def connect() -> None:
        raise ChainUnavailableError("no chain is running")

    status, said = verify(connect, monkeypatch)
    assert status == 2
    assert "no chain is running" in said


def test_a_payload_byte_is_found(contract, monkeypatch):
    change_event(1, payload=b'{"n":7}')
    found = wrong(contract)
    assert list(found) == ["entries"]
    assert found["entries"].startswith("entry 1 (offer.drafted): payload and salt do not give the commitment")
    status, said = verify(lambda: contract, monkeypatch)
    assert status == 1
    assert "FAILED  Every entry follows from its event" in said


def test_what_is_typed_at_the_databases_prompt_is_found(contract):
    """SQLite then holds text where bytes were."""
    changed = {
        "sqlite": ("replace(payload, '1', '7')", "'rewritten'"),
        "postgresql": ("decode(replace(encode(payload, 'escape'), '1', '7'), 'escape')", "'rewritten'"),
    }[connection.vendor]
    with at_the_database(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE marketplace_event SET payload = {changed[0]} WHERE subject = 'offer:1'")
        cursor.execute(f"UPDATE marketplace_ledgerentry SET leaf = {changed[1]} WHERE seq = 2")
    assert wrong(contract)["entries"].startswith("entry 1 (offer.drafted): payload and salt do not give the commitment")


def test_a_row_that_cannot_even_be_read_is_a_failure_and_no_crash(contract, monkeypatch):
    def unreadable(row, parties, numbers):
        raise ValueError(f"entry {row[0]} holds no time")

    monkeypatch.setattr(log, "of_row", unreadable)
    assert wrong(contract)["entries"] == "the log cannot be read on after its first 0 entries: entry 0 holds no time"


def test_a_payload_with_a_fresh_commitment_is_found_by_its_leaf(contract):
    event = Event.objects.get(entry__seq=1)
    body = b'{"n":7}'
    change_event(
        1,
        payload=body,
        payload_commit=payload_commitment(type=event.type, salt=bytes(event.salt), payload=body),
    )
    assert wrong(contract) == {"entries": "entry 1 (offer.drafted): the leaf differs from its event in payload_commit"}


def test_swapped_salts_are_found(contract):
    one, two = (bytes(Event.objects.get(entry__seq=seq).salt) for seq in (0, 1))
    change_event(0, salt=two)
    change_event(1, salt=one)
    assert wrong(contract)["entries"].startswith("entry 0 (offer.drafted): payload and salt")


@pytest.mark.parametrize("changes", [{"subject": "offer:9"}, {"type": "offer.published"}, {"at": "2020-01-01T00:00Z"}])
def test_a_changed_fact_beside_the_payload_is_found(contract, changes):
    change_event(2, **changes)
    assert wrong(contract)["entries"].startswith("entry 2 (offer.")


def test_a_party_taken_away_is_found(contract):
    event = Event.objects.get(type="settlement.statement")
    with at_the_database():
        event.organisations.clear()
    assert "the leaf differs from its event in party_commits" in wrong(contract)["entries"]


def test_a_changed_leaf_is_found_by_its_hash_and_every_root_after_it(contract):
    with at_the_database():
        entry = LedgerEntry.objects.get(seq=2)
        LedgerEntry.objects.filter(seq=2).update(leaf=bytes(entry.leaf).replace(b'"v":2', b'"v":3'))
    found = wrong(contract)
    assert set(found) == {"entries", "heads"}
    assert found["entries"].startswith("entry 2 (offer.drafted): the leaf differs from its event in v")
    assert found["heads"].startswith("head 1 over 3 entries is not the root of the log at that size, and")


def test_a_dropped_entry_is_found(contract):
    with at_the_database():
        LedgerEntry.objects.filter(seq=2).delete()
    found = wrong(contract)
    assert found["entries"].startswith("entry 3")
    assert "number 2 is missing: 3 follows 1" in found["entries"]
    assert "heads" in found


def test_an_entry_dropped_at_the_end_is_found_by_its_head(contract):
    last = LedgerEntry.objects.order_by("-seq")[0].seq
    with at_the_database():
        LedgerEntry.objects.filter(seq=last).delete()
    found = wrong(contract)
    assert "more than the log holds" in found["heads"]


def test_two_entries_that_changed_places_are_found(contract):
    with at_the_database():
        for seq, other in ((0, 1000), (1, 0), (1000, 1)):
            LedgerEntry.objects.filter(seq=seq).update(seq=other)
    assert wrong(contract)["entries"].startswith("entry 0")


def rewritten(contract: Contract) -> None:
    """Everything done anew behind the first payload, as its owner could: events, leaves, hashes, heads and their proofs."""
    change_event(0, payload=b'{"n":7}')
    with at_the_database():
        prev = "0" * 64
        for entry in LedgerEntry.objects.select_related("event").order_by("seq"):
            event = entry.event
            commit = payload_commitment(type=event.type, salt=bytes(event.salt), payload=bytes(event.payload))
            Event.objects.filter(pk=event.pk).update(payload_commit=commit)
            leaf = leaf_of(stored_with(entry, prev))
            hashed = merkle.leaf_hash(leaf).hex()
            LedgerEntry.objects.filter(pk=entry.pk).update(leaf=leaf, leaf_hash=hashed, prev_hash=prev)
            prev = hashed
    covered = 0
    for head in Anchor.objects.filter(kind="HEAD").order_by("seq"):
        leaves = leaf_hashes(head.size or 0)
        proof = [one.hex() for one in merkle.consistency_proof(leaves, covered)]
        Anchor.objects.filter(pk=head.pk).update(root=merkle.root(leaves).hex(), proof=proof)
        covered = head.size or 0


def stored_with(entry: LedgerEntry, prev: str) -> Any:
    entry.event.refresh_from_db()
    return replace(stored(entry), prev_hash=prev)


def test_a_history_rewritten_whole_is_found_by_the_contract_alone(contract):
    rewritten(contract)
    found = wrong(contract)
    assert list(found) == ["chain_heads"]
    assert found["chain_heads"].startswith("the contract accepted a head 1 over 3 entries that is not ours")


def test_a_forged_head_is_found(contract):
    Anchor.objects.filter(kind="HEAD", seq=2).update(root="ab" * 32)
    assert set(wrong(contract)) == {"heads", "growth", "chain_heads"}


def test_a_head_taken_away_is_found(contract):
    Anchor.objects.filter(kind="HEAD", seq=1).delete()
    found = wrong(contract)
    assert found["growth"].startswith("head 1 is missing")
    assert "chain_heads" in found


def test_a_head_only_said_to_be_final_is_found(contract):
    contract.accepted.pop()
    assert wrong(contract)["chain_heads"].startswith("the contract never accepted head 2")


def test_an_event_of_the_contract_that_a_node_hides_is_found(contract):
    del contract.accepted[0]
    Anchor.objects.filter(kind="HEAD", seq=1).update(state="SENT")
    assert "an event is missing or made up" in wrong(contract)["chain_heads"]


def test_a_contract_of_another_log_is_found(contract, settings):
    foreign = contract.origin_hash()
    settings.LEDGER_LOG_ID = "another/log"
    contract.origin_hash = lambda: foreign
    assert "deployed for another log than another/log" in wrong(contract)["chain_heads"]


def test_a_changed_record_is_found(contract):
    SettlementRecord.objects.update(commitment="ab" * 32)
    found = wrong(contract)
    assert set(found) == {"records", "chain_records"}
    assert "does not follow from entry" in found["records"]


def test_a_record_the_contract_lacks_is_found(contract):
    contract.kept.clear()
    assert set(wrong(contract)) == {"chain_records"}


@pytest.mark.parametrize("field", ["amount_pence", "delivered_wh"])
def test_a_statement_changed_in_the_database_is_found(contract, field):
    changes = {"payment_pence": 9_999_999, "penalty_pence": 0} if field == "amount_pence" else {}
    SettlementStatement.objects.update(**{field: 9_999_999}, **changes)
    assert set(wrong(contract)) == {"statements"}


@pytest.mark.parametrize(
    "change",
    [
        {"eligible_wh": 1},
        {"scale": "0.5"},
        {"price_gbp_per_kwh": "0.3"},
        {"shortfall_wh": 7},
        {"price_gbp_per_kwh": "0.30001"},
        {"eligible_wh": 2**63 - 1},
    ],
)
def test_a_half_hour_changed_in_the_database_no_longer_adds_up(contract, change):
    StatementLine.objects.update(**change)
    assert "otherwise than its half hours and its order come to" in wrong(contract)["money"]


def test_triggers_that_are_down_are_said(contract):
    append_only.disarm(connection)
    assert "is missing" in wrong(contract)["triggers"]
