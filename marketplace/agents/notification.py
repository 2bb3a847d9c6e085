"""The coordination agent's other duty: telling the market's counterparty what was sold, half hour by half hour, before the gate.

The counterparty is simulated and lives in flex_engine.simulate: nothing leaves this installation. Everything is read from the
tables at each tick, so a crash costs at most the time until the next one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from celery import shared_task
from django.db import transaction

from flex_engine.simulate.counterparties import Filed
from flex_engine.simulate.counterparties_ecvaa import Book, Ecvaa
from marketplace import clock
from marketplace.agents.decide import decide
from marketplace.models import PositionNotification, Site
from marketplace.rules.notification import Alarm, unit_of
from marketplace.usecases.close_notification_gates import close_notification_gates
from marketplace.usecases.hear_counterparty import hear_counterparty
from marketplace.usecases.lease import holding
from marketplace.usecases.plan_notifications import plan_notifications
from marketplace.usecases.send_notifications import UnreachableError, send_notifications

log = logging.getLogger(__name__)
MARGIN, FIRST_LOOK = timedelta(days=2), timedelta(days=60)
DECIDED = {
    Alarm.LATE: "raised an alarm; it is still sent while the gate is open",
    Alarm.MISSED: "raised an alarm: nothing can be told after the gate",
    Alarm.EXCEPTION: "raised an alarm: it has to be put right and sent again",
}


class SimulatedEcvaa:
    """A counterparty that takes every file and answers by the rules of the simulator. It knows the units of our sites."""

    name = "ECVAA"

    def take(self, filed: Filed) -> None:
        """Its letter box is our own table, so there is nothing to carry."""

    def book(self, files: Iterable[Filed]) -> Book:
        """What it makes of the files."""
        units = frozenset(unit_of(pk) for pk in Site.objects.values_list("pk", flat=True))
        return Ecvaa(units).book(files)


class Rounds:
    """How far back the next round has to look: to the last one this process finished, or weeks if it has not yet.

    Only so that a round is cheap: what it does follows from the tables, and looking further back does no harm.
    """

    def __init__(self) -> None:
        self.finished: datetime | None = None

    def since(self, now: datetime) -> datetime:
        """The moment since which something may have happened that no round has seen."""
        return now - FIRST_LOOK if self.finished is None else min(now, self.finished)


rounds = Rounds()


@shared_task(name="marketplace.agents.notification.tick")
def tick(**_: Any) -> None:
    """Queue, send, hear, and close gates."""
    with holding("notification", seconds=60) as held:
        if held:
            now = clock.now()
            work(SimulatedEcvaa(), now=now, since=rounds.since(now))
            rounds.finished = now


def work(counterparty: SimulatedEcvaa, *, now: datetime, since: datetime) -> None:
    """One round over what may have happened `since`. An unreachable counterparty holds up nothing but the sending."""
    plan_notifications(since=since - MARGIN, now=now)
    try:
        say_sent(send_notifications(channel=counterparty, now=now), now)
    except UnreachableError as problem:
        log.warning("the counterparty takes no notifications (%s); the next tick tries again", problem)
    with transaction.atomic():  # an alarm and the decision that tells of it stand or fall together
        for row in close_notification_gates(now=now):
            say_alarm(row, now)
    with transaction.atomic():
        for row in hear_counterparty(voice=counterparty, sent_since=since, now=now):
            say_alarm(row, now)


def say_sent(rows: Sequence[PositionNotification], now: datetime) -> None:
    """One decision a site for what was sent."""
    for site in {row.site_id: row.site for row in rows}.values():
        mine = [row for row in rows if row.site_id == site.pk]
        decide(
            agent="coordination",
            site=site,
            now=now,
            subject=f"notification:{mine[0].key}",
            saw=f"{len(mine)} half hours of {site.name} whose position the market had not been told",
            decided=f"sent {len(mine)} position notifications to the simulated counterparty",
            why=f"the first gate closes at {mine[0].gate_closure_at:%Y-%m-%d %H:%M} UTC; silence will not mean acceptance",
        )


def say_alarm(row: PositionNotification, now: datetime) -> None:
    """The decision that goes with an alarm."""
    why = row.exception_reason or f"the gate of {row.key} closes at {row.gate_closure_at:%Y-%m-%d %H:%M} UTC"
    decide(
        agent="coordination",
        site=row.site,
        now=now,
        subject=f"notification:{row.key}",
        saw=f"the position notification {row.key} is {row.get_alarm_display().lower()}"
        if row.alarm != Alarm.EXCEPTION
        else f"the position notification {row.key} came back with an exception",
        decided=DECIDED[Alarm(row.alarm)],
        why=why,
    )
