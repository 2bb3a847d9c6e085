"""An installation of its own for tests over real sockets: a var folder, a SQLite file, keys, and a door that can be killed."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

import requests

from tests.unit.beckn.console import ROOT, Console

DATABASE = "caco.sqlite3"
SET_UP = "from django.core.management import call_command; call_command('beckn_keygen')"
SWEEP = "from beckn.tasks import sweep; sweep()"
DOOR = "tests.unit.beckn.receive.served:application"


def surroundings() -> dict[str, str]:
    """What every installation takes from this process, and the settings that all share."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    return kept | {
        "DJANGO_SETTINGS_MODULE": "caco_site.settings",
        "CACO_SECRET_KEY": "only-for-tests-0123456789-0123456789-0123456789",
    }


@cache
def empty_tables() -> Path:
    """A database with empty tables, made once; to be copied."""
    folder = Path(tempfile.mkdtemp(prefix="caco-tables-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    env = surroundings() | {"CACO_VAR": str(folder)}
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, env=env, cwd=ROOT, check=True, capture_output=True)
    return folder / DATABASE


class Installation:
    """One installation under `var` that asks the registry at `registry_url`."""

    def __init__(self, var: Path, *, registry_url: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.var = var
        self.url = f"http://127.0.0.1:{self.port}/beckn"
        self.env = surroundings() | {
            "CACO_VAR": str(var),
            "CACO_PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            "BECKN_REGISTRY_URL": registry_url,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.console: Console | None = None
        self.door = DOOR

    def run(self, code: str) -> str:
        """Run Python in this installation, as it is configured now. Returns what was printed."""
        if self.console is not None and self.console.env != self.env:
            self.hang_up()
        self.console = self.console or Console(self.env)
        return self.console.run(code)

    def manage(self, *arguments: str) -> str:
        """Run a command of manage.py in this installation. Returns what it printed."""
        return self.run(
            f"import django; django.core.management.execute_from_command_line({['manage.py', *arguments]!r})"
        )

    def set_up(self) -> None:
        """Tables, as they were once made for all, and keys of its own."""
        self.var.mkdir(parents=True, exist_ok=True)
        if not (self.var / DATABASE).exists():
            shutil.copy(empty_tables(), self.var)
        self.run(SET_UP)

    def hang_up(self) -> None:
        """End the process that `run` speaks to."""
        if self.console is not None:
            self.console.close()
            self.console = None

    def sweep(self) -> None:
        """What the worker does every few seconds."""
        self.run(SWEEP)

    def start(self) -> None:
        """Open the door, and wait until it answers."""
        command = [sys.executable, "-m", "uvicorn", self.door, "--port", str(self.port), "--log-level", "warning"]
        with (self.var / "door.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=self.env, cwd=ROOT, stdout=log, stderr=log)
        until = time.monotonic() + 60
        while time.monotonic() < until and self.process.poll() is None:
            try:
                requests.get(self.url, timeout=1)
                return
            except requests.RequestException:
                time.sleep(0.05)
        raise AssertionError(f"the door did not open: {self.log()}")

    def log(self) -> str:
        """What the door said."""
        return (self.var / "door.log").read_text(errors="replace")[-3000:]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Close the door; SIGKILL slams it."""
        self.hang_up()
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(20)
            self.process = None

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask or change this installation's database, from outside."""
        connection = sqlite3.connect(self.var / DATABASE, timeout=20)
        try:
            with connection:
                return connection.execute(query, values).fetchall()
        finally:
            connection.close()
