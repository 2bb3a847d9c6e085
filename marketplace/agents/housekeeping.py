"""The housekeeper: anchors the log and settlement records, and sends what is due to the chain."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.utils import timezone

from marketplace import clock, enqueue
from marketplace.ledger import sender
from marketplace.models import Anchor
from marketplace.usecases.anchor_events import anchor_events
from marketplace.usecases.lease import holding
from marketplace.usecases.record_settlements import record_settlements
from marketplace.usecases.write_manifest import write_manifest


@shared_task(name="marketplace.agents.housekeeping.anchor")
def anchor(**_: Any) -> None:
    """Count the days that have ended, anchor the grown log, record the statements it now covers, and move every transaction a step on."""
    with holding("housekeeping", seconds=60) as held:
        if not held:
            return
        now = clock.now()
        write_manifest(now=now)
        anchor_events(now=now)
        record_settlements(now=now)
        sender.send_due(now=timezone.now())  # the chain lives on real time
        if Anchor.objects.filter(
            kind=Anchor.Kind.RECORD, state=Anchor.State.FINAL, records__statement__order__state="DELIVERED"
        ).exists():
            enqueue.enqueue("marketplace.agents.coordination.tick")


@shared_task(name="marketplace.agents.housekeeping.tick")
def tick(**_: Any) -> None:
    """Housekeeping that is not urgent."""
    anchor()
