"""What a load balancer and a person may ask: is the process there, and is every part ready.

It names parts and states and nothing else: no address, no path, no secret.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache

from caco_site import heartbeat
from caco_site.contract_state import NotDeployedError, chain_of_contract
from marketplace.ledger.deployment import rpc_url
from marketplace.ledger.onchain import ChainUnavailableError

OK, DEGRADED, FAILED, NO_CHAIN = "OK", "DEGRADED", "FAILED", "NO_CHAIN"


@dataclass(frozen=True, slots=True)
class Health:
    """One part's state and a sentence about it."""

    state: str
    detail: str


@never_cache
def live(_: HttpRequest) -> HttpResponse:
    """200 while the process answers at all."""
    return JsonResponse({"status": "live"})


@never_cache
def ready(_: HttpRequest) -> HttpResponse:
    """200 when every part is there, 503 otherwise; both name each part. A part may be degraded and still ready."""
    parts = {name: check() for name, check in PARTS.items()}
    good = all(part.state != FAILED for part in parts.values())
    body = {
        "status": "ready" if good else "not ready",
        "environment": settings.ENVIRONMENT,
        "parts": {name: asdict(part) for name, part in parts.items()},
    }
    return JsonResponse(body, status=200 if good else 503)


def database() -> Health:
    """Whether the database answers and carries every migration."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as problem:
        return Health(FAILED, f"the database does not answer ({type(problem).__name__})")
    if missing:
        return Health(FAILED, f"{len(missing)} migrations are missing; run manage.py migrate")
    return Health(OK, f"{connection.vendor}, migrated")


def broker() -> Health:
    """Whether Redis answers, and whether it is a real one."""
    if not settings.REDIS_URL:
        return Health(FAILED, "there is no Redis; start CACO with manage.py up, or set REDIS_URL")
    try:
        with heartbeat.connection() as client:
            client.ping()
    except redis.RedisError as problem:
        return Health(FAILED, f"Redis does not answer ({type(problem).__name__})")
    if settings.REDIS_STANDS_IN:
        return Health(DEGRADED, "fakeredis stands in for Redis: in memory, slower; install Redis or set REDIS_URL")
    return Health(OK, "Redis answers")


def worker() -> Health:
    """Whether the clock ticked and a worker ran the tick not long ago."""
    if not settings.REDIS_URL:
        return Health(FAILED, "without Redis no worker can be seen")
    try:
        with heartbeat.connection() as client:
            age = heartbeat.age_s(client)
    except redis.RedisError:
        return Health(FAILED, "without Redis no worker can be seen")
    if age is None or age > heartbeat.STALE_S:
        return Health(FAILED, "no worker has run" if age is None else f"the last worker was seen {age:.0f} s ago")
    return Health(OK, f"a worker ran {age:.1f} s ago")


def chain() -> Health:
    """Whether the chain answers and holds the audit contract."""
    try:
        url = rpc_url()
        if url is None:
            return Health(NO_CHAIN, "this installation anchors on no chain (CACO_RPC_URL is none)")
        chain_id = chain_of_contract(url, Path(settings.CHAIN_CONTRACT_FILE))
    except (ChainUnavailableError, NotDeployedError) as problem:
        return Health(FAILED, str(problem))
    return Health(OK, f"chain {chain_id} holds the audit contract")


PARTS: dict[str, Callable[[], Health]] = {"database": database, "redis": broker, "worker": worker, "chain": chain}
