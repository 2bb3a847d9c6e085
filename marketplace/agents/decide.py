"""Leave one AgentDecision: what an agent saw, what it decided and why."""

from __future__ import annotations

from datetime import datetime

from marketplace import notify
from marketplace.models import AgentDecision, Site


def decide(
    *, agent: str, saw: str, decided: str, why: str, now: datetime, site: Site | None = None, subject: str = ""
) -> AgentDecision:
    """Store the decision and tell open pages."""
    row = AgentDecision.objects.create(
        agent=agent, site=site, at=now, saw=saw, decided=decided, why=why, subject=subject[:120]
    )
    notify.changed("operations")
    return row
