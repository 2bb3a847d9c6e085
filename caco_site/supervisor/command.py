"""The command line of `manage.py up`. It runs before Django is loaded, so that what supervises for days stays small."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from caco_site.supervisor import folder
from caco_site.supervisor.installation import ROOT, Wanted, run
from caco_site.supervisor.part import CannotStartError, port_open
from caco_site.supervisor.processes import EVERYWHERE

HELP = (
    "Run everything in one process group on embedded defaults: web and sockets on one port, worker with its clock, Redis, "
    "development chain. DATABASE_URL, REDIS_URL and CACO_RPC_URL (none: no chain) name others. Example: manage.py up --port 8000"
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `up` understands."""
    parser.add_argument("--port", type=int, default=8000, help="the one port of pages, API, Beckn and sockets (8000)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1: this machine only)")
    parser.add_argument(
        "--postgres", action="store_true", help="keep the data in embedded PostgreSQL; the folder remembers it"
    )
    parser.add_argument(
        "--web-processes", type=positive, default=1, help="web processes on that port (1); 2 take more Beckn messages"
    )
    parser.add_argument("--worker-threads", type=int, default=6, help="tasks the worker runs at once (6)")


def positive(written: str) -> int:
    """A whole number from 1."""
    if not written.isdecimal() or int(written) < 1:
        raise argparse.ArgumentTypeError(f"{written!r} is not a whole number from 1")
    return int(written)


def main(argv: Sequence[str]) -> int:
    """`manage.py up` with these arguments; returns the exit code."""
    parser = argparse.ArgumentParser(prog="manage.py up", description=HELP)
    arguments(parser)
    wanted = parser.parse_args(argv)
    return up(Wanted(wanted.host, wanted.port, wanted.postgres, wanted.worker_threads, wanted.web_processes))


def up(wanted: Wanted) -> int:
    """The whole life of one installation; what keeps it from starting is said in one sentence."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    os.umask(0o077)
    var = Path(os.environ.get("CACO_VAR") or ROOT / "var").resolve()
    try:
        folder.make(var)
        check_port(wanted)
        run(wanted, var, folder.take(var), os.environ, voice(var / "log" / "up.log"), stop.is_set)
    except (CannotStartError, OSError) as problem:
        sys.stderr.write(f"up: {problem}\n")
        return 1
    return 0


def check_port(wanted: Wanted) -> None:
    """Raise CannotStartError when somebody already listens there."""
    if port_open(EVERYWHERE.get(wanted.host, wanted.host).strip("[]"), wanted.port):
        raise CannotStartError(
            f"port {wanted.port} on {wanted.host} is in use; stop what listens there, or give --port"
        )


def voice(log: Path) -> Callable[[str], None]:
    """A function that says a line to whoever watches, and to the log. Nobody watching is no fault."""

    def say(line: str) -> None:
        with log.open("a") as file:
            file.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {line}\n")
        try:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    return say
