"""Use cases under test: the small market as fixtures, and a list of the background work they asked for."""

from __future__ import annotations

from typing import Any

import pytest

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
