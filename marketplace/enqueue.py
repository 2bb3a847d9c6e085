"""Start background work by name, once the transaction is committed.

By name, so that a use case can start work without importing an entrance. A lost wake-up is logged and never raised: every
duty also stands in a table that a sweeper reads, so the broker only makes things faster.
"""

from __future__ import annotations

import logging
from typing import Any

from celery import current_app
from django.db import transaction

log = logging.getLogger(__name__)


def enqueue(name: str, **kwargs: Any) -> None:
    """Send task `name` with JSON-safe `kwargs` after commit. Never raises: the broker only speeds things up."""
    transaction.on_commit(lambda: wake(name, kwargs))


def wake(name: str, kwargs: dict[str, Any]) -> None:
    """Send now; a broker that does not answer costs a log line and the seconds until the next sweep."""
    try:
        current_app.send_task(name, kwargs=kwargs, retry=False, ignore_result=True)
    except Exception as problem:  # noqa: BLE001 - any broker fault is the same to us: the sweepers do the work
        log.warning("task %s was not queued (%s); the next sweep does it", name, problem)
