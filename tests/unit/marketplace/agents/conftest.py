"""Agents under test: a market clock that stands where the test puts it, and the small market of the use cases."""

from __future__ import annotations

import pytest

from marketplace import clock
from marketplace.models import AgentDecision
from tests.unit.marketplace.usecases.conftest import network, offer, owner, site, woken
from tests.unit.marketplace.usecases.market import NOW

__all__ = ["network", "offer", "owner", "site", "woken"]


@pytest.fixture(autouse=True)
def at(monkeypatch: pytest.MonkeyPatch):
    """Set the market's clock; it stands at NOW until then."""
    moment = [NOW]
    monkeypatch.setattr(clock, "now", lambda: moment[0])
    return lambda when: moment.__setitem__(0, when)


def decisions(agent: str) -> list[tuple[str, str]]:
    """(decided, why) of an agent, oldest first."""
    return list(AgentDecision.objects.filter(agent=agent).order_by("pk").values_list("decided", "why"))
