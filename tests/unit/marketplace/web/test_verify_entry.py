"""The entry's page says of every check whether it held, failed or could not be made, and only members may ask."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from marketplace.models import LedgerEntry
from marketplace.queries.proofs import statement_entry_of
from marketplace.web import ledger
from tests.unit.marketplace.ledger.logged import Contract, anchored, change_event, happened, statement
from tests.unit.marketplace.usecases import market

pytestmark = pytest.mark.django_db


@pytest.fixture
def contract(monkeypatch):
    """The chain the page asks."""
    made = Contract()
    monkeypatch.setattr(ledger, "chain_reader", lambda: made)
    return made


@pytest.fixture
def entry(contract):
    """A settled statement's entry, anchored."""
    happened(2)
    made = statement()
    anchored(contract)
    return statement_entry_of(LedgerEntry.objects.all(), order_id=made.activation.order_id)


@pytest.fixture
def auditor(signed_in):
    return signed_in(market.person(market.organisation("Fieldhouse Audit", "AUDITOR"), "AUDITOR"))


def words(response) -> str:
    """The page as one reads it."""
    assert response.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_a_page_claims_nothing_before_it_was_asked(auditor, entry):
    said = words(auditor.get(reverse("entry", args=[entry.seq])))
    assert "Verify against the chain" in said
    assert "Verified" not in said
    assert "Holds" not in said


def test_a_settled_statement_is_verified(auditor, entry, contract):
    said = words(auditor.post(reverse("entry-verify", args=[entry.seq])))
    assert "Verified: every check held" in said
    assert said.count("Holds") == 8
    assert f"in transaction {contract.accepted[0].tx_hash}" in said
    assert "Audit path" in said
    assert "Settlement commitment" in said


def test_a_chain_that_is_down_does_not_fail_the_page(auditor, entry, contract):
    contract.down = True
    said = words(auditor.post(reverse("entry-verify", args=[entry.seq])))
    assert "Not fully verified: some checks could not be made" in said
    assert said.count("Not checked") == 2
    assert "Could not be asked: the chain does not answer" in said


def test_a_changed_payload_is_shown_as_failed(auditor, entry, contract):
    change_event(entry.seq, payload=bytes(entry.event.payload).replace(b'"run":"II"', b'"run":"SF"'))
    said = words(auditor.post(reverse("entry-verify", args=[entry.seq])))
    assert "Not verified: a check failed" in said
    assert "Payload and salt do not give the commitment" in said


def test_a_stranger_cannot_ask_and_a_link_cannot_verify(signed_in, auditor, entry):
    stranger = signed_in(market.person(market.organisation("Mersey Data Halls"), "ADMIN"))
    assert stranger.post(reverse("entry-verify", args=[entry.seq])).status_code == 404
    answer = auditor.get(reverse("entry-verify", args=[entry.seq]))
    assert answer["Location"] == reverse("entry", args=[entry.seq])
    assert "Verified" not in words(auditor.get(answer["Location"]))
