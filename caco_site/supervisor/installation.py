"""One installation's life: what keeps data starts first, then migrations and keys, then what serves; stopping goes the other way."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from caco_site.contract_state import NotDeployedError, chain_of_contract
from caco_site.supervisor import folder, postgres, processes, redis_server
from caco_site.supervisor.part import Part
from caco_site.supervisor.processes import Addresses
from caco_site.supervisor.runner import Runner

ROOT = Path(__file__).resolve().parents[2]
MANAGE = (sys.executable, str(ROOT / "manage.py"))
START_S, READY_S = 60.0, 60.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for on the command line."""

    host: str
    port: int
    postgres: bool
    worker_threads: int
    web_processes: int = 1


def run(
    wanted: Wanted, var: Path, lock: int, env: Mapping[str, str], say: Callable[[str], None], stop: Callable[[], bool]
) -> None:
    """Start everything, look after it until `stop`, and stop it. Raises CannotStartError in one sentence."""
    begun = time.monotonic()
    where = Addresses(var, wanted.host, wanted.port, env)
    redis = redis_server.choose(env, var)
    keepers = [redis.part, database(wanted, var, env), None if env.get("CACO_RPC_URL") else processes.chain(where)]
    chosen = settings_of(where, redis, keepers)
    folder.remember(var, chosen)
    runner = Runner(logs=var / "log", env={**chosen, **env, "CACO_VAR": str(var)}, lock=lock, say=say, stopping=stop)
    keeping = [part for part in keepers if part]
    serving = [*processes.webs(where, wanted.web_processes), processes.worker(where, wanted.worker_threads)]
    try:
        introduce(say, where, redis, [*keeping, *serving])
        begin(runner, where, keeping, serving)
        wait_ready(where, runner, say, begun)
        while not stop():
            runner.pause(0.2)
    finally:
        say("stopping")
        runner.stop([part.name for part in serving])
        runner.stop([part.name for part in keeping])
        say("stopped")


def database(wanted: Wanted, var: Path, env: Mapping[str, str]) -> Part | None:
    """The embedded PostgreSQL, where it was asked for now or before and the environment names no other database."""
    if env.get("DATABASE_URL") or not (wanted.postgres or postgres.kept_in(var)):
        return None
    return postgres.part(var)


def settings_of(where: Addresses, redis: redis_server.Redis, keepers: list[Part | None]) -> dict[str, str]:
    """What this run chose, as settings: for the children, and for commands that join the installation."""
    chosen = {"CACO_PUBLIC_URL": where.public, "REDIS_URL": redis.url}
    if redis.stands_in:
        chosen["CACO_REDIS_STANDS_IN"] = "true"
    if any(part and part.name == "postgres" for part in keepers):
        chosen["DATABASE_URL"] = postgres.url(where.var)
    return chosen


def introduce(say: Callable[[str], None], where: Addresses, redis: redis_server.Redis, parts: list[Part]) -> None:
    """One line a part: what it is and how it was chosen."""
    ours = {part.name: part.how for part in parts}
    database = "as DATABASE_URL says" if where.env.get("DATABASE_URL") else f"SQLite in {where.var / 'caco.sqlite3'}"
    chain = "NO_CHAIN: nothing is anchored" if where.env.get("CACO_RPC_URL") == "none" else "as CACO_RPC_URL says"
    elsewhere = {"database": "" if "postgres" in ours else database, "redis": redis.how, "chain": chain}
    for name, how in (elsewhere | ours).items():
        if how:
            say(f"{name:<9} {how}")


def begin(runner: Runner, where: Addresses, keeping: list[Part], serving: list[Part]) -> None:
    """Start all parts in order, and prepare what each stands on. Nobody is told of the web process before it is ready.

    The first web process loads while the rest is prepared; its fellows and the worker need what is prepared.
    """
    web, *others = serving
    for part in (*keeping, web):
        runner.start(part)
    runner.wait_ready([part.name for part in keeping if part.name != "chain"], timeout_s=START_S)
    runner.once("prepare", (*MANAGE, "prepare"))
    for part in others:
        if not runner.stopping():
            runner.start(part)
    if any(part.name == "chain" for part in keeping):
        runner.wait_ready(["chain"], timeout_s=START_S)
        if not runner.stopping() and not deployed(where):
            runner.once("audit_deploy", (*MANAGE, "audit_deploy"))


def deployed(where: Addresses) -> bool:
    """Whether the development chain already holds the audit contract."""
    try:
        chain_of_contract(where.rpc_url, where.var / "chain" / "contract.json")
    except NotDeployedError:
        return False
    return True


def wait_ready(where: Addresses, runner: Runner, say: Callable[[str], None], begun: float) -> None:
    """Say when everything is ready. What takes long is named once, and looked after all the same."""
    late = begun + READY_S
    while not runner.stopping():
        missing = processes.not_ready(where)
        if not missing:
            say(f"ready in {time.monotonic() - begun:.1f} s at {where.public}")
            return
        if time.monotonic() > late:
            late = float("inf")
            say(f"not ready after {READY_S:.0f} s: " + "; ".join(f"{name}: {why}" for name, why in missing.items()))
        runner.pause(0.1)
