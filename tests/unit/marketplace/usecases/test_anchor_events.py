"""Heads follow each other as the contract wants them, when a statement waits or the last one is old."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace.ledger import merkle
from marketplace.ledger.log import BrokenLogError, leaf_hashes, log_size, statement_entry
from marketplace.models import Anchor, Lease, LedgerEntry
from marketplace.usecases.anchor_events import anchor_events
from tests.unit.marketplace.ledger.logged import Contract, at_the_database, happened, statement
from tests.unit.marketplace.usecases.market import END, NOW

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=30)


def test_an_empty_log_has_no_head():
    assert anchor_events(now=NOW) is None
    assert not Anchor.objects.exists()


def test_the_first_head_is_made_at_once():
    happened(3)
    head = anchor_events(now=NOW)
    assert (head.kind, head.seq, head.size, head.state, head.proof) == ("HEAD", 1, 3, "PENDING", [])
    assert head.root == merkle.root(leaf_hashes(3)).hex()
    assert log_size() == 3


def test_events_are_numbered_while_a_head_is_on_its_way_and_no_second_is_begun():
    happened(2)
    anchor_events(now=NOW)
    happened(2)
    assert anchor_events(now=NOW + timedelta(days=1)) is None
    assert (log_size(), Anchor.objects.count()) == (4, 1)


@pytest.mark.parametrize("state", [state for state in Anchor.State.values if state != "FINAL"])
def test_no_state_but_final_lets_the_next_head_begin(state):
    happened(1)
    anchor_events(now=NOW)
    Anchor.objects.update(state=state)
    happened(1)
    assert anchor_events(now=NOW + timedelta(days=1)) is None


def test_the_next_head_waits_for_its_time_and_extends_the_last():
    contract = Contract()
    happened(3)
    anchor_events(now=NOW)
    contract.take()
    happened(4)
    assert anchor_events(now=LATER - timedelta(seconds=1)) is None
    head = anchor_events(now=LATER)
    assert (head.seq, head.size) == (2, 7)
    contract.take()  # it checks the consistency proof
    assert anchor_events(now=LATER + timedelta(days=1)) is None, "nothing has grown"
    assert [one.size for one in contract.accepted] == [3, 7]


def test_a_statement_does_not_wait():
    contract = Contract()
    happened(1)
    anchor_events(now=END)
    contract.take()
    made = statement()
    head = anchor_events(now=END + timedelta(seconds=1))
    assert head is not None
    assert statement_entry(made).seq < head.size
    contract.take()


def test_the_interval_is_a_setting(settings):
    contract = Contract()
    settings.ANCHOR_EVERY_S = 5
    happened(1)
    anchor_events(now=NOW)
    contract.take()
    happened(1)
    assert anchor_events(now=NOW + timedelta(seconds=4)) is None
    assert anchor_events(now=NOW + timedelta(seconds=5)).size == 2


def test_one_process_at_a_time():
    happened(1)
    Lease.objects.create(name="sequencer", holder="another process", until=NOW.replace(year=2100))
    assert anchor_events(now=NOW) is None
    assert not LedgerEntry.objects.exists()


def test_no_head_is_made_over_a_log_with_a_gap():
    happened(4)
    anchor_events(now=NOW)
    Contract().take()
    with at_the_database():
        LedgerEntry.objects.filter(seq=1).delete()
    happened(1)
    # The event of the lost entry waits again and gets a new number, which heals nothing: 1 is still missing.
    with pytest.raises(BrokenLogError, match="the log lacks 1 of its first 6 entries"):
        anchor_events(now=LATER)
    assert Anchor.objects.count() == 1
