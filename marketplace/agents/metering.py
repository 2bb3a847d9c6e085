"""The metering duty of the coordination agent: reads files of readings, one worker a file, and fills gaps as somebody chose.

What stands in the tables is the work; a wake-up call only makes it sooner. A file whose worker died is read again from its
bytes as soon as its lease is free, on the same machine at once.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from celery import shared_task

from marketplace import clock
from marketplace.agents.decide import decide
from marketplace.models import Activation, AgentDecision, MeterFile
from marketplace.rules.errors import MarketError
from marketplace.rules.order_state import ActivationState
from marketplace.usecases.choose_estimation import standing_rule
from marketplace.usecases.fill_gaps import fill_gaps
from marketplace.usecases.import_meter_file import import_meter_file
from marketplace.usecases.lease import holding
from marketplace.usecases.read_meter_file import read_meter_file
from marketplace.usecases.upload_meter_file import UNDER_WAY

log = logging.getLogger(__name__)
LEASE_S = 600.0  # longer than the largest file takes; a worker that is seen to be dead lets go at once


@shared_task(name="marketplace.agents.metering.read_file")
def read_file(*, file_id: int, **_: Any) -> None:
    """Read and import one file, unless another worker is at it."""
    with holding(f"meter-file:{file_id}", seconds=LEASE_S) as held:
        if not held:
            return
        outcome = read_meter_file(file_id=file_id, now=clock.now())
        if outcome is None:
            return
        now = clock.now()
        file = import_meter_file(file_id=file_id, outcome=outcome, now=now)
        if file.state == MeterFile.State.CANCELLED:
            return
        decide(
            agent="coordination",
            site=file.site,
            saw=f"{file.filename} with {file.rows_read} rows",
            decided=f"recorded {file.recorded} half hours" if file.state == MeterFile.State.IMPORTED else "refused it",
            why=f"{file.rows_accepted} rows are right, {file.problems_total} problems were found, {file.gaps_total} half hours are missing",
            now=now,
            subject=f"meter-file:{file.pk}",
        )


@shared_task(name="marketplace.agents.metering.tick")
def tick(**_: Any) -> None:
    """Read whatever is under way and nobody reads, the oldest first. A fault in one file does not hold up the rest."""
    for file_id in MeterFile.objects.filter(state__in=UNDER_WAY).order_by("pk").values_list("pk", flat=True):
        try:
            read_file(file_id=file_id)
        except Exception:
            log.exception("meter file %s could not be read; the next tick tries again", file_id)
    fill_due(clock.now())


def fill_due(now: datetime) -> None:
    """Estimate what waits on the sites that have a standing rule, as far as it reaches; say once where it does not."""
    waiting = Activation.objects.filter(
        state__in=[ActivationState.ACCEPTED, ActivationState.IN_PROGRESS],
        end_at__lte=now,
        order__offer__site__estimation_choices__isnull=False,
    ).distinct()
    for activation in waiting.select_related("order__offer__site__organisation"):
        site = activation.order.offer.site
        rule = standing_rule(site)
        if not rule:
            continue
        subject = f"activation:{activation.pk}"
        try:
            filled = fill_gaps(activation=activation, rule=rule, standing=True, now=now)
            words = ("estimated the missing ones", f"{filled} half hours by {rule}") if filled else None
        except MarketError as problem:
            words = ("estimated nothing", str(problem))
        if words and not AgentDecision.objects.filter(subject=subject, decided=words[0], why=words[1]).exists():
            decide(
                agent="coordination",
                site=site,
                saw="an activation waits for readings",
                decided=words[0],
                why=words[1],
                now=now,
                subject=subject,
            )
