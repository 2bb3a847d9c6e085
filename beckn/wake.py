"""Start background work by name, so that no room below the tasks imports them.

A wake-up may be lost: whatever is to be done stands in a table with the time it is due, and the sweep finds it.
"""

from __future__ import annotations

import logging

from celery import current_app
from django.db import transaction

log = logging.getLogger(__name__)
HANDLE = "beckn.tasks.handle"
DELIVER = "beckn.tasks.deliver"
CHALLENGE = "beckn.tasks.challenge"


def after_commit(task: str, pk: int) -> None:
    """Wake `task` for row `pk` once the surrounding transaction is committed."""
    transaction.on_commit(lambda: now(task, [pk]))


def now(task: str, pks: list[int]) -> None:
    """Wake `task` for these rows; a broker that does not answer costs a log line and the seconds until the next sweep."""
    try:
        current_app.send_task(task, kwargs={"message_pks": pks}, retry=False, ignore_result=True)
    except Exception as problem:  # noqa: BLE001 - any broker fault is the same to us: the sweep does the work
        log.warning("%s was not woken for %s (%s); the next sweep does it", task, pks, problem)
