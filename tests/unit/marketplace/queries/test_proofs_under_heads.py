"""Which head an entry is proven under while the log grows, from the first event on."""

from __future__ import annotations

from typing import Any

import pytest

from marketplace.ledger.checks import checks
from marketplace.ledger.proof import Proof
from marketplace.models import Anchor, LedgerEntry
from marketplace.queries import proofs
from marketplace.usecases.anchor_events import anchor_events
from tests.unit.marketplace.ledger.logged import Contract, anchored, happened
from tests.unit.marketplace.usecases.market import END

pytestmark = pytest.mark.django_db


@pytest.fixture
def contract():
    """A contract that has accepted nothing yet."""
    return Contract()


def judged(proof: Proof, chain: Any) -> dict[str, bool | None]:
    return {check.name: check.held for check in checks(proof, chain)}


def test_an_entry_without_a_head_says_what_cannot_be_checked_yet(contract):
    happened(2)
    anchored(contract)
    happened(1)
    anchor_events(now=END)
    proof = proofs.proof_of(LedgerEntry.objects.select_related("event").order_by("-seq")[0])
    assert (proof.head, proof.path) == (None, ())
    assert judged(proof, contract) == {
        "payload": True,
        "leaf": True,
        "leaf_hash": True,
        "prev": True,
        "inclusion": None,
        "chain_root": None,
    }


def test_a_head_on_its_way_proves_inclusion_and_claims_no_chain(contract):
    happened(2)
    anchor_events(now=END)
    found = judged(proofs.proof_of(LedgerEntry.objects.select_related("event").get(seq=1)), contract)
    assert (found["inclusion"], found["chain_root"]) == (True, None)


def test_the_smallest_final_head_is_the_one_shown(contract, settings):
    settings.ANCHOR_EVERY_S = 0
    for _ in range(3):
        happened(2)
        anchored(contract)
    first = LedgerEntry.objects.select_related("event").get(seq=0)
    assert proofs.proof_of(first).head.size == 2
    Anchor.objects.filter(size=2).update(state="REORGED")
    assert proofs.proof_of(first).head.size == 4


def test_the_path_is_as_short_as_it_should_be(contract):
    happened(64)
    anchored(contract)
    proof = proofs.proof_of(LedgerEntry.objects.select_related("event").get(seq=17))
    assert len(proof.path) == 6
