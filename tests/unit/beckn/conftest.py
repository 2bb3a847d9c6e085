"""An installation with fresh keys, a known buyer and a known seller, and an application that does what a test tells it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command

from beckn.receive import door
from beckn.testing import Listener, Participant
from tests.unit.beckn import application


@pytest.fixture
def installed(db: None, settings, tmp_path: Path) -> None:
    """Our own keys, made and registered; handlers are those of tests.unit.beckn.application."""
    settings.BECKN_KEY_DIR = tmp_path / "keys"
    settings.BECKN_HANDLERS = dict.fromkeys(("bpp", "bap"), "tests.unit.beckn.application")
    call_command("beckn_keygen", verbosity=0, stdout=io.StringIO())
    application.reset()


@pytest.fixture(autouse=True)
def no_journal_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The door's journal of refusals writes from a thread of its own, which no test's transaction reaches."""
    monkeypatch.setattr(door.REFUSALS, "note", lambda *args, **named: None)


@pytest.fixture
def buyer(installed: None) -> Participant:
    """A registered buyer's side."""
    participant = Participant("bap", "buyer.example")
    participant.register()
    return participant


@pytest.fixture
def seller(installed: None) -> Participant:
    """A registered seller's side."""
    participant = Participant("bpp", "seller.example")
    participant.register()
    return participant


@pytest.fixture
def buyer_door(buyer: Participant) -> Iterator[Listener]:
    """The buyer, listening."""
    with Listener(buyer).listening() as listener:
        buyer.register()
        yield listener


@pytest.fixture
def seller_door(seller: Participant) -> Iterator[Listener]:
    """The seller, listening."""
    with Listener(seller).listening() as listener:
        seller.register()
        yield listener
