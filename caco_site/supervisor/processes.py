"""The processes that are ours: development chain, web and worker. Each as a Part; who starts it and when is decided elsewhere."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from caco_site.supervisor.part import Part, port_open

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - what to call ourselves when listening everywhere


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where this installation is: its folder, the port it listens on, and what the environment says of the rest."""

    var: Path
    host: str
    port: int
    env: Mapping[str, str]

    @property
    def local(self) -> str:
        """The address this machine reaches it by."""
        return f"http://{EVERYWHERE.get(self.host, self.host)}:{self.port}"

    @property
    def public(self) -> str:
        """The address people and Beckn peers use."""
        return self.env.get("CACO_PUBLIC_URL", self.local).rstrip("/")

    @property
    def rpc_url(self) -> str:
        """The chain's address as far as it is known: the environment's, else what the development chain wrote."""
        file = self.var / "chain" / "rpc_url"
        return self.env.get("CACO_RPC_URL") or (file.read_text().strip() if file.exists() else "")

    @property
    def log_level(self) -> str:
        """How much the children say."""
        return self.env.get("CACO_LOG_LEVEL", "INFO")


def chain(where: Addresses) -> Part:
    """The development chain; it keeps its port from run to run and writes chain/rpc_url when it listens."""

    def ready() -> bool:
        address = urlsplit(where.rpc_url)
        return bool(address.port) and port_open("127.0.0.1", address.port or 0)

    argv = (sys.executable, "-m", "marketplace.ledger.devchain", "--var", str(where.var))
    return Part("chain", argv, f"development chain, kept in {where.var / 'chain'} (no CACO_RPC_URL)", ready)


def webs(where: Addresses, count: int) -> list[Part]:
    """Pages, API, Beckn and sockets on one port, in `count` alike processes; the first is called web, the next web-2."""
    argv = [sys.executable, "-m", "caco_site.web_process", "--host", where.host, "--port", str(where.port)]
    argv += ["--log-level", where.log_level, *(["--shared"] if count > 1 else [])]
    names = ["web", *(f"web-{number}" for number in range(2, count + 1))]
    env = {"PROMETHEUS_MULTIPROC_DIR": str(counters(where.var))} if count > 1 else {}

    def ready() -> bool:
        return asked(where, "/health/live")[0] == 200

    return [Part(name, tuple(argv), where.local, ready, env=env) for name in names]


def counters(var: Path) -> Path:
    """An empty folder in which web processes add up what they count; an earlier run's counts are gone with it."""
    folder = var / "run" / "counters"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def worker(where: Addresses, threads: int) -> Part:
    """Celery with its clock in one process. When the supervisor dies it is ended at once: every task can be done again."""
    argv = [sys.executable, "-m", "celery", "-A", "caco_site.celery", "worker", "--pool", "threads"]
    argv += ["--concurrency", str(threads), "--without-mingle", "--without-gossip", "--loglevel", where.log_level]
    return Part(
        "worker",
        tuple(argv),
        f"Celery, {threads} threads and the clock",
        lambda: not_ready(where).get("worker", "") == "",
        env={"CACO_CLOCK_IN_WORKER": "1", "CELERY_SKIP_CHECKS": "1"},  # `prepare` has just run the checks
        orphaned=signal.SIGKILL,
        patience_s=8,
    )


def not_ready(where: Addresses) -> dict[str, str]:
    """The parts that are not ready by name, and why; empty when all are."""
    status, body = asked(where, "/health/ready")
    if status == 0:
        return {"web": "it does not answer"}
    try:
        parts = json.loads(body)["parts"]
    except (ValueError, KeyError):
        return {"web": f"it answered {status} to /health/ready"}
    return {name: part["detail"] for name, part in parts.items() if part["state"] == "FAILED"}


def asked(where: Addresses, path: str) -> tuple[int, str]:
    """GET from our own web process, under the name people use: status and body, or (0, "") when nobody answers."""
    request = urllib.request.Request(where.local + path, headers={"Host": urlsplit(where.public).netloc})  # noqa: S310
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5) as answer:
            return int(answer.status), answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read().decode(errors="replace")
    except OSError:
        return 0, ""
