"""A proof holds everything, its checks hold together, and whatever is changed in it makes the right one fail."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from django.db import transaction

from marketplace.ledger.checks import checks, verdict
from marketplace.ledger.onchain import ChainUnavailableError
from marketplace.ledger.proof import Proof, proof_from_json
from marketplace.ledger.reader import Unanswering
from marketplace.models import LedgerEntry, OrganisationNumber, SettlementRecord
from marketplace.queries import proofs
from tests.unit.marketplace.ledger.logged import (
    Contract,
    anchored,
    at_the_database,
    change_event,
    happened,
    statement,
)

pytestmark = pytest.mark.django_db
EVERY_CHECK = ["payload", "leaf", "leaf_hash", "prev", "inclusion", "chain_root"]


@pytest.fixture(scope="module")
def built(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[LedgerEntry, Contract]]:
    """The entry of a statement under a final head, with its record on chain and other entries around it, made once."""
    chain = Contract()
    with django_db_blocker.unblock(), transaction.atomic():
        happened(3)
        made = statement()
        happened(2)
        anchored(chain)
        found = proofs.statement_entry_of(LedgerEntry.objects.all(), order_id=made.order_id)
        assert found is not None
        yield found, chain
        transaction.set_rollback(True)


@pytest.fixture
def settled(built: tuple[LedgerEntry, Contract], db: None) -> tuple[LedgerEntry, Contract]:
    """The statement's entry and the contract; what a test changes in the log is rolled back after it."""
    return built[0], copy.deepcopy(built[1])


def judged(proof: Proof, chain: Any) -> dict[str, bool | None]:
    return {check.name: check.held for check in checks(proof, chain)}


def fails(proof: Proof, chain: Any) -> set[str]:
    return {name for name, held in judged(proof, chain).items() if held is False}


def test_every_check_of_a_settled_statement_holds(settled):
    entry, contract = settled
    found = checks(proofs.proof_of(entry), contract)
    assert [(check.name, check.held) for check in found] == [
        (name, True) for name in [*EVERY_CHECK, "record", "chain_record"]
    ]
    assert verdict(found) is True


def test_every_entry_of_the_log_has_its_proof(settled):
    entry, contract = settled
    for one in LedgerEntry.objects.select_related("event"):
        proof = proofs.proof_of(one)
        assert fails(proof, contract) == set()
        assert proof.path
        assert (proof.settlement is not None) == (one.pk == entry.pk)


def test_a_proof_travels_as_json_and_still_holds(settled):
    entry, _ = settled
    proof = proofs.proof_of(entry)
    sent = json.loads(json.dumps(proof.as_json()))
    assert proof_from_json(sent) == proof
    assert set(sent) == {"log_id", "entry", "previous", "head", "path", "settlement"}
    assert sent["head"]["anchor"] == {
        "state": "FINAL",
        "tx_hash": proof.head.anchor.tx_hash,
        "chain_id": 31337,
        "contract": "0x" + "c0" * 20,
        "block_number": proof.head.anchor.block_number,
        "block_hash": "0x" + "b0" * 32,
    }


def test_a_chain_that_is_down_has_neither_held_nor_failed(settled):
    entry, contract = settled
    contract.down = True
    found = {check.name: check for check in checks(proofs.proof_of(entry), contract)}
    for name in ("chain_root", "chain_record"):
        assert found[name].held is None
        assert found[name].why == "could not be asked: the chain does not answer"
    assert verdict(found.values()) is None


def test_without_a_chain_the_page_says_so(settled):
    entry, _ = settled
    found = judged(proofs.proof_of(entry), None)
    assert (found["chain_root"], found["chain_record"], found["inclusion"]) == (None, None, True)


def test_no_chain_by_choice_and_no_chain_yet_are_told_apart(settings):
    settings.CHAIN_RPC_URL = "none"
    assert proofs.chain_reader() is None
    settings.CHAIN_RPC_URL = "http://127.0.0.1:9"
    reader = proofs.chain_reader()
    assert isinstance(reader, Unanswering)
    with pytest.raises(OSError, match="audit_deploy"):
        reader.anchored_root(1)


def test_a_final_head_that_the_contract_does_not_hold_is_a_failure(settled):
    entry, contract = settled
    proof = proofs.proof_of(entry)
    contract.accepted.clear()
    contract.kept.clear()
    assert fails(proof, contract) == {"chain_root", "chain_record"}


def other(text: str) -> str:
    """Another hash."""
    return ("0" if text[0] != "0" else "1") + text[1:]


def swapped(proof: Proof, part: str, **changes: Any) -> Proof:
    return replace(proof, **{part: replace(getattr(proof, part), **changes)})


# What is changed, how, and every check that must then fail.
CHANGES: list[tuple[str, Any, set[str]]] = [
    (
        "a payload byte",
        lambda p: swapped(p, "entry", payload=p.entry.payload.replace('"version":1', '"version":2')),
        {"payload", "leaf", "record"},
    ),
    ("the salt", lambda p: swapped(p, "entry", salt=other(p.entry.salt)), {"payload", "leaf"}),
    (
        "the commitment",
        lambda p: swapped(p, "entry", payload_commit=other(p.entry.payload_commit)),
        {"payload"},
    ),
    ("the time", lambda p: swapped(p, "entry", at="2024-01-16T18:00:00.001Z"), {"leaf"}),
    ("the subject", lambda p: swapped(p, "entry", subject="order:another"), {"leaf"}),
    ("the parties", lambda p: swapped(p, "entry", parties=(*p.entry.parties, 999)), {"leaf"}),
    ("a number in an organisation", lambda p: swapped(p, "entry", org_seqs=(9,)), {"leaf"}),
    ("the leaf", lambda p: swapped(p, "entry", leaf=p.entry.leaf.replace('"v":2', '"v":3')), {"leaf", "leaf_hash"}),
    ("the leaf hash", lambda p: swapped(p, "entry", leaf_hash=other(p.entry.leaf_hash)), {"leaf_hash", "inclusion"}),
    ("the link", lambda p: swapped(p, "entry", prev_hash=other(p.entry.prev_hash)), {"leaf", "prev"}),
    ("the entry before", lambda p: replace(p, previous=other(p.previous)), {"prev"}),
    ("the number", lambda p: swapped(p, "entry", seq=p.entry.seq - 1), {"leaf", "inclusion"}),
    ("the path", lambda p: replace(p, path=(other(p.path[0]), *p.path[1:])), {"inclusion"}),
    ("the path's end", lambda p: replace(p, path=p.path[:-1]), {"inclusion"}),
    ("the root", lambda p: swapped(p, "head", root=other(p.head.root)), {"inclusion", "chain_root"}),
    ("the size", lambda p: swapped(p, "head", size=p.head.size + 100), {"inclusion", "chain_root"}),
    ("the head", lambda p: swapped(p, "head", number=p.head.number + 1), {"chain_root"}),
    (
        "the head's transaction",
        lambda p: swapped(p, "head", anchor=replace(p.head.anchor, tx_hash="0x" + "99" * 32)),
        {"chain_root"},
    ),
    (
        "the record's transaction",
        lambda p: swapped(p, "settlement", anchor=replace(p.settlement.anchor, tx_hash="")),
        {"chain_record"},
    ),
    ("the log", lambda p: replace(p, log_id="another/log"), {"record"}),
    ("the record's salt", lambda p: swapped(p, "settlement", salt=other(p.settlement.salt)), {"record"}),
    ("the statement", lambda p: swapped(p, "settlement", statement="00000000-0000-0000-0000-000000000000"), {"record"}),
    ("the run", lambda p: swapped(p, "settlement", run="SF"), {"record"}),
    (
        "the settlement's identity",
        lambda p: swapped(p, "settlement", settlement_id=other(p.settlement.settlement_id)),
        {"record"},
    ),
    (
        "the settlement's commitment",
        lambda p: swapped(p, "settlement", commitment=other(p.settlement.commitment)),
        {"record", "chain_record"},
    ),
    (
        "the record key",
        lambda p: swapped(p, "settlement", record_key=other(p.settlement.record_key)),
        {"record", "chain_record"},
    ),
]


def test_whatever_is_changed_makes_the_right_checks_fail(settled):
    entry, contract = settled
    proof = proofs.proof_of(entry)
    changed = {name: change(proof) for name, change, _ in CHANGES}
    assert all(one != proof for one in changed.values())
    assert {name: fails(one, contract) for name, one in changed.items()} == {name: due for name, _, due in CHANGES}


def test_a_made_up_proof_is_refused_by_name(settled):
    entry, _ = settled
    sent = proofs.proof_of(entry).as_json()
    with pytest.raises(ValueError, match=r"\$\.entry\.seq"):
        proof_from_json(sent | {"entry": sent["entry"] | {"seq": "seven"}})
    with pytest.raises(ValueError, match=r"missing required field `path`"):
        proof_from_json({key: value for key, value in sent.items() if key != "path"})
    for member in ("leaf_hash", "prev_hash", "salt", "at"):
        with pytest.raises(ValueError, match=r"hash|hex|isoformat"):
            proof_from_json(sent | {"entry": sent["entry"] | {member: "zz"}})
    with pytest.raises(ValueError, match="not a hash of 32 bytes"):
        proof_from_json(sent | {"path": ["ab"]})
    assert issubclass(msgspec.ValidationError, ValueError)


def test_a_tampered_database_fails_its_checks_and_not_the_page(settled):
    entry, contract = settled
    change_event(entry.seq, payload=b"\xff not JSON \x00")
    changed = LedgerEntry.objects.select_related("event").get(pk=entry.pk)
    assert fails(proofs.proof_of(changed), contract) >= {"payload", "leaf"}
    with at_the_database():
        OrganisationNumber.objects.filter(entry=entry.seq - 1).delete()
        LedgerEntry.objects.filter(seq=entry.seq - 1).delete()
    proof = proofs.proof_of(changed)
    assert (proof.previous, proof.path) == (None, ())
    found = judged(proof, contract)
    assert (found["prev"], found["inclusion"]) == (None, False)


def test_a_record_swapped_in_the_database_is_found(settled):
    entry, contract = settled
    SettlementRecord.objects.update(commitment="ab" * 32)
    assert fails(proofs.proof_of(entry), contract) == {"record", "chain_record"}


def test_a_chain_error_is_an_os_error():
    assert issubclass(ChainUnavailableError, OSError), "the checks catch what the chain raises by this"
