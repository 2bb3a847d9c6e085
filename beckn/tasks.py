"""What the worker does for the protocol: handle what came in, deliver what is owed, and sweep what nobody was woken for.

The clock is read here. A task may come twice, late or not at all: the rows decide what is done (beckn.inbox, beckn.outbox).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from celery import shared_task
from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from beckn import egress, inbox, outbox, registry, subscriptions
from beckn.models import Subscriber

log = logging.getLogger(__name__)
SWEEP_AT_MOST_S = 5.0  # no new row is begun after this: a sweep must not hold a worker while peers time out
SWEEP_ROWS = 100
DIRECTORY_EVERY = timedelta(minutes=5)
sweeping = threading.Lock()


@shared_task(name="beckn.tasks.handle")
def handle(*, message_pks: list[int], **_: Any) -> None:
    """Hand received messages to the application."""
    for pk in message_pks:
        inbox.handle(pk, now=timezone.now())


@shared_task(name="beckn.tasks.deliver")
def deliver(*, message_pks: list[int], **_: Any) -> None:
    """Send owed messages."""
    for pk in message_pks:
        outbox.deliver(pk, now=timezone.now())


@shared_task(name="beckn.tasks.challenge")
def challenge(*, message_pks: list[int], **_: Any) -> None:
    """Challenge those who asked our registry to be admitted."""
    for pk in message_pks:
        subscriptions.challenge(pk, now=timezone.now())


@shared_task(name="beckn.tasks.sweep")
def sweep(**_: Any) -> None:
    """Do what is due and was missed: a lost wake-up, a killed worker, a retry whose time has come."""
    if not sweeping.acquire(blocking=False):
        return
    try:
        end = time.monotonic() + SWEEP_AT_MOST_S
        each(inbox.due(now=timezone.now(), limit=SWEEP_ROWS), inbox.handle, end)
        each(outbox.due(now=timezone.now(), limit=SWEEP_ROWS), outbox.deliver, end)
        each(subscriptions.due(now=timezone.now(), limit=SWEEP_ROWS), subscriptions.challenge, end)
        if settings.BECKN_REGISTRY_URL and settings.BECKN_REGISTRY_KIND == "v1":  # a DeDi directory lists nobody
            read_directory(now=timezone.now())
    finally:
        sweeping.release()


def each(pks: list[int], do: Callable[..., str], end: float) -> None:
    """`do` each row until `end`; a fault with one row does not keep the next from its turn."""
    for pk in pks:
        if time.monotonic() > end:
            return
        try:
            do(pk, now=timezone.now())
        except Exception:
            log.exception("row %s was not swept", pk)


def read_directory(*, now: datetime) -> None:
    """Learn who else is on the network, so that a first message can be addressed before anybody has spoken to us."""
    newest = Subscriber.objects.aggregate(at=Max("fetched_at"))["at"]
    if newest is not None and newest > now - DIRECTORY_EVERY:
        return
    try:
        found = registry.learn(egress.registry_directory(), now=now)
    except egress.EgressError as problem:
        log.warning("the registry's directory cannot be read: %s", problem)
        return
    log.info("the registry's directory names %s other participants", len(found))
