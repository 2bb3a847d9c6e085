"""A private installation for a demonstration: `manage.py up` with its own var folder, ports, keys, chain and clock."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import requests
from django.conf import settings


class NotReadyError(RuntimeError):
    """The installation did not come up in time."""


class ProcessGroup:
    """Starts, asks and stops one installation under `var`. Nothing of the caller's own installation is touched."""

    def __init__(self, var: Path, *, log: Path) -> None:
        self.var, self.log = var, log
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.clock = var / "market_clock"
        drop = {"DATABASE_URL", "REDIS_URL", "CACO_RPC_URL", "DJANGO_SETTINGS_MODULE"}
        self.env = {key: value for key, value in os.environ.items() if key not in drop} | {
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

    def start(self, *, timeout_s: float = 60) -> float:
        """Start and wait until every part is ready; returns the seconds it took. Raises NotReadyError with the log's tail."""
        self.var.mkdir(parents=True, exist_ok=True)
        begun = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(settings.BASE_DIR / "manage.py"), "up", "--port", str(self.port)],
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
