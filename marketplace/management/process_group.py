"""An installation for a demonstration: `manage.py up` on a port of its own, with a market clock that can be set.

Private: with its own folder, database, keys, Redis and chain, whatever the environment says; otherwise the caller's own.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import requests
from django.conf import settings

STEERING = ("CACO_", "BECKN_", "DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")


class NotReadyError(RuntimeError):
    """The installation did not come up in time."""


class ProcessGroup:
    """Starts, asks and stops one installation under `var`. `options` go to `manage.py up`.

    A private one touches nothing of the caller's; the other keeps what the environment names (database, Redis, chain).
    """

    def __init__(self, var: Path, *, log: Path, private: bool = True, options: Sequence[str] = ()) -> None:
        self.var, self.log = var, log
        var.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.clock = var / "market_clock"
        self.options = options
        drop = STEERING if private else ("DJANGO_SETTINGS_MODULE",)
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(drop)} | {
            "CACO_VAR": str(var),
            "CACO_PUBLIC_URL": self.url,
            "CACO_ENVIRONMENT": "DEMO",
            "CACO_MARKET_CLOCK_FILE": str(self.clock),
            "CACO_LOG_LEVEL": "WARNING",
            "DJANGO_SETTINGS_MODULE": "caco_site.settings",
        }
        self.process: subprocess.Popen[bytes] | None = None

    def set_clock(self, moment: datetime) -> None:
        """Set the market's clock to `moment`; it runs on from there at normal speed. Written whole, so no reader sees half."""
        new = self.clock.with_suffix(".new")
        new.write_text(f"{(moment - datetime.now(UTC)).total_seconds():.6f}")
        new.replace(self.clock)

    def start(self, *, timeout_s: float = 90) -> float:
        """Start and wait until every part is ready; returns the seconds it took. Raises NotReadyError with the log's tail."""
        begun = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(settings.BASE_DIR / "manage.py"), "up", "--port", str(self.port), *self.options],
                env=self.env,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        while time.monotonic() - begun < timeout_s:
            if self.process.poll() is not None:
                break
            if self.ready():
                return time.monotonic() - begun
            time.sleep(0.1)
        tail = self.log.read_text(errors="replace")[-1500:]
        self.stop()
        raise NotReadyError(
            f"the installation was not ready after {time.monotonic() - begun:.0f} s; its log ends:\n{tail}"
        )

    def ready(self) -> bool:
        """Whether every part answers."""
        try:
            return requests.get(f"{self.url}/health/ready", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def command(self, *arguments: str) -> str:
        """Run a manage.py command in this installation and return what it printed."""
        done = subprocess.run(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments],
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode:
            raise NotReadyError(f"manage.py {arguments[0]} failed: {(done.stderr or done.stdout).strip()[-800:]}")
        return done.stdout

    def stop(self) -> None:
        """Stop everything, politely first."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)


def free_port() -> int:
    """A TCP port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
