"""A real `manage.py up` in a folder of its own, for tests that break it. Everything a person would use: a port, lines, processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.style.meter import ROOT

PARTS = {"web": "web_process", "worker": "celery", "redis": "redis", "chain": "devchain", "postgres": "bin/postgres"}
STEERING = ("CACO_", "BECKN_", "REDIS_URL", "DATABASE_URL", "DJANGO_SETTINGS_MODULE")


def until(condition: Callable[[], Any], what: str, *, seconds: float = 60) -> Any:
    """Wait until `condition()` is true and return it."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"{what} did not happen within {seconds:.0f} s"
        time.sleep(0.05)
    return found


def family(pid: int) -> dict[int, str]:
    """Every living process below `pid`, with its command line."""
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 3) for line in listed.stdout.splitlines()]
    found: dict[int, str] = {}
    parents = {pid}
    while parents:
        below = {int(row[0]): row[3] for row in rows if int(row[1]) in parents and row[2][0] != "Z" and len(row) == 4}
        parents = set(below) - set(found)
        found |= below
    return found


def alive(pid: int) -> bool:
    """Whether a process is there; one that only waits to be buried is not."""
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listed.stdout.strip()[:1] not in {"", "Z"}


class Up:
    """One installation under `var`. `program` replaces `manage.py up` where a test must change the machine it runs on."""

    def __init__(self, var: Path, port: int, *options: str, program: tuple[str, ...] = (), **env: str) -> None:
        self.var, self.port = var, port
        self.argv = (sys.executable, *(program or ("manage.py", "up")), "--port", str(port), *options)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(STEERING)}
        self.env = kept | {"CACO_VAR": str(var)} | env
        self.process: subprocess.Popen[str] | None = None

    @property
    def output(self) -> str:
        """What it said so far."""
        return (self.var.parent / f"{self.var.name}.out").read_text()

    def begin(self) -> None:
        """Start, and wait for nothing."""
        with (self.var.parent / f"{self.var.name}.out").open("w") as out:
            self.process = subprocess.Popen(
                self.argv,
                cwd=ROOT,
                env=self.env,
                stdout=out,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )

    def start(self) -> float:
        """Start and wait until it says that it is ready; returns the seconds it took."""
        begun = time.monotonic()
        self.begin()
        assert self.process is not None
        running = self.process
        until(lambda: "ready in" in self.output or running.poll() is not None, "readiness", seconds=90)
        assert running.poll() is None, self.output
        return time.monotonic() - begun

    def refused(self) -> str:
        """Start where it must not; returns its one sentence."""
        done = subprocess.run(
            self.argv, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 1
        assert done.stdout == ""
        return done.stderr.strip()

    def pid(self, part: str) -> int | None:
        """The process that is `part` now."""
        assert self.process is not None
        return next((pid for pid, args in family(self.process.pid).items() if PARTS[part] in args), None)

    def ready(self) -> dict[str, Any]:
        """What /health/ready says, with its HTTP status."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/ready", timeout=5) as answer:
                return {"http": answer.status, **json.load(answer)}
        except urllib.error.HTTPError as answer:
            return {"http": answer.code, **json.load(answer)}
        except OSError:
            return {"http": 0}

    def manage(self, *arguments: str) -> str:
        """A manage.py command that joins the installation by its folder alone."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def stop(self, number: int = signal.SIGTERM) -> float:
        """Ask the supervisor to stop; returns the seconds it took."""
        begun = time.monotonic()
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(30)
        return time.monotonic() - begun
