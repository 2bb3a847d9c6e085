"""The worker's pulse: a task that the clock starts every second and a worker runs, so a fresh pulse proves the whole chain.

The pulse stands in Redis and nowhere else: losing it costs a second, and the database is spared a write a second.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

import redis
from celery import shared_task
from django.conf import settings

KEY = "caco:pulse"
STALE_S = 30.0  # a worker busy with long plans may miss a few pulses


@shared_task(name="caco_site.heartbeat.pulse")
def pulse(**_: Any) -> None:
    """Say that a worker is alive now."""
    with connection() as client:
        client.set(KEY, repr(time.time()), ex=600)


def connection() -> redis.Redis:
    """A short-lived Redis client that gives up after a second instead of hanging."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)


def forget() -> None:
    """Drop the pulse of an earlier run, so that it does not speak for a worker that has not started yet."""
    if settings.REDIS_URL:
        with contextlib.suppress(redis.RedisError), connection() as client:
            client.delete(KEY)


def age_s(client: redis.Redis) -> float | None:
    """Seconds since the last pulse, or None when there is none. Raises redis.RedisError when Redis does not answer."""
    last = client.get(KEY)
    return None if last is None else max(0.0, time.time() - float(last))
