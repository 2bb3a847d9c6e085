"""An installation of its own for tests over real sockets: a var folder, a SQLite file, keys, and a door that can be killed."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parents[3]
SET_UP = """
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0); call_command("beckn_keygen")
"""
SWEEP = "import django; django.setup(); from beckn.tasks import sweep; sweep()"
DOOR = "tests.unit.beckn.receive.served:application"


class Installation:
    """One installation under `var` that asks the registry at `registry_url`."""

    def __init__(self, var: Path, *, registry_url: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.var = var
        self.url = f"http://127.0.0.1:{self.port}/beckn"
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
        self.env = kept | {
            "DJANGO_SETTINGS_MODULE": "caco_site.settings",
            "CACO_VAR": str(var),
            "CACO_SECRET_KEY": "only-for-tests-0123456789-0123456789-0123456789",
            "CACO_PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            "BECKN_REGISTRY_URL": registry_url,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.door = DOOR

    def run(self, code: str) -> None:
        """Run Python in this installation."""
        done = subprocess.run([sys.executable, "-c", code], env=self.env, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def set_up(self) -> None:
        """Tables and keys."""
        self.var.mkdir(parents=True, exist_ok=True)
        self.run(SET_UP)

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
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(20)
            self.process = None

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask or change this installation's database, from outside."""
        connection = sqlite3.connect(self.var / "caco.sqlite3", timeout=20)
        try:
            with connection:
                return connection.execute(query, values).fetchall()
        finally:
            connection.close()
