"""The coordination agent: moves offers, orders and activations along as time passes and readings arrive."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from celery import shared_task

from marketplace import clock
from marketplace.agents.settling import complete_due, settle_due, settle_news, settle_runs
from marketplace.usecases.activate_schedules import activate_one, due_schedules
from marketplace.usecases.expire_offers import expire_offers
from marketplace.usecases.lease import holding
from marketplace.usecases.start_activations import start_activations

log = logging.getLogger(__name__)


@shared_task(name="marketplace.agents.coordination.tick")
def tick(**_: Any) -> None:
    """Close gates, start activations, settle what is over and metered and what has a run due, complete what is anchored."""
    with holding("coordination", seconds=60) as held:
        if not held:
            return
        now = clock.now()
        expire_offers(now=now)
        activate_due(now)
        start_activations(now=now)
        settle_due(now)
        settle_runs(now)
        settle_news(now)
        complete_due(now)


def activate_due(now: datetime) -> None:
    """Activate each order that is delivered by schedule and whose gate has closed. A fault in one does not hold up the rest."""
    for pk in due_schedules(now=now):
        try:
            activate_one(pk, now=now)
        except Exception:
            log.exception("order %s could not be activated by its schedule; the next tick tries again", pk)
