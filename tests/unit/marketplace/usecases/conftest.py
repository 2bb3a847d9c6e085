"""Use cases under test: the small market as fixtures, and a list of the background work they asked for."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from beckn.registry import register
from beckn.wire.context import Party
from marketplace import enqueue
from marketplace.models import Event, Offer, Organisation, Site
from tests.unit.marketplace.usecases import market


@pytest.fixture
def owner(db: None) -> Organisation:
    """The data-centre operator."""
    return market.organisation()


@pytest.fixture
def site(owner: Organisation) -> Site:
    """Its site."""
    return market.site(owner)


@pytest.fixture
def offer(site: Site) -> Offer:
    """400 kW on sale."""
    return market.offer(site)


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Every (task, arguments) a use case asked to be started, in order."""
    asked: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(enqueue, "enqueue", lambda name, **kwargs: asked.append((name, kwargs)))
    return asked


def events_of(subject: object) -> list[str]:
    """Types of the events about a row, oldest first."""
    return list(Event.objects.filter(subject=str(subject)).order_by("id").values_list("type", flat=True))


@pytest.fixture
def network(db: None) -> None:
    """Both sides are in the development registry, so messages to them can be stored. Nobody listens there."""
    join_the_network()


def join_the_network() -> None:
    """The same for a fixture that lives longer than a test."""
    roles = {market.BUYER: "bap", market.RIVAL: "bap"}
    roles |= {party["subscriber_id"]: role for role, party in settings.BECKN_PARTICIPANTS.items()}
    for subscriber_id, role in roles.items():
        party = Party(subscriber_id, f"http://127.0.0.1:9/beckn/{role}")
        register(party, role=role, key_id="k1", public_key="A" * 43 + "=", now=timezone.now())
