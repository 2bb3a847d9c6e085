"""Ask the optimisation agent for a new plan of a site."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from marketplace import enqueue, notify
from marketplace.models import Site, User, role_of
from marketplace.rules.roles import Action, require


def request_plan(*, site: Site, user: User | None, now: datetime) -> None:
    """Mark the site as wanting a plan; asking twice plans once. Raises MarketError for a role that may not plan."""
    if user is not None:
        require(role_of(user, site.organisation), Action.PLAN)
    with transaction.atomic():
        Site.objects.filter(pk=site.pk).update(replan_requested_at=now)
        enqueue.enqueue("marketplace.agents.optimisation.plan", site_id=site.pk)
        notify.changed(f"site:{site.slug}")
