"""An installation for load: its own folder, database, Redis and keys, a buyer whose messages are signed beforehand, a server.

Set up in a child process, so that whoever measures loads no Django of its own.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from caco_site.supervisor import redis_server

ROOT = Path(__file__).resolve().parent.parent
STEERING = ("CACO_", "BECKN_", "REDIS_URL", "DATABASE_URL", "DJANGO_SETTINGS_MODULE")
BUYER = "load.example"
LATER_S = 2.0  # for the web processes behind the first that answers
SET_UP = """
import django, sys; django.setup()
from django.core.management import call_command
from django.utils import timezone
from beckn import registry
from beckn.wire.context import Party
from beckn.wire.signing import Signer
call_command("migrate", verbosity=0); call_command("beckn_keygen", verbosity=0)
signer = Signer.of(sys.argv[1], "load-1", bytes.fromhex(sys.argv[2]))
registry.register(Party(sys.argv[1], sys.argv[3]), role="bap", key_id="load-1", public_key=signer.public_key, now=timezone.now())
"""
COUNT = """
import django; django.setup()
from beckn.models import InboxMessage as M
print(M.objects.count(), M.objects.values("message_id").distinct().count())
"""
DURABLE = """
import django; django.setup()
from django.db import connection
with connection.cursor() as cursor:
    for name in (["journal_mode", "synchronous"] if connection.vendor == "sqlite" else ["fsync", "synchronous_commit", "server_version"]):
        cursor.execute(f"PRAGMA {name}" if connection.vendor == "sqlite" else f"SHOW {name}")
        print(name, cursor.fetchone()[0])
"""


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class House:
    """One installation under `var`; `callback_url` is where its buyer claims to listen."""

    def __init__(self, var: Path, *, database_url: str = "", callback_url: str = "http://127.0.0.1:9/bap") -> None:
        self.var, self.port, self.seed, self.callback_url = var, free_port(), secrets.token_hex(32), callback_url
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(STEERING)}
        self.env = (
            kept
            | {
                "DJANGO_SETTINGS_MODULE": "caco_site.settings",
                "CACO_VAR": str(var),
                "CACO_SECRET_KEY": secrets.token_urlsafe(32),
                "CACO_PUBLIC_URL": self.url,
                "CACO_LOG_LEVEL": "WARNING",
            }
            | ({"DATABASE_URL": database_url} if database_url else {})
        )
        self.children: dict[str, subprocess.Popen[bytes]] = {}

    def set_up(self) -> None:
        """Redis, tables, keys, and the buyer in the registry."""
        self.var.mkdir(parents=True, exist_ok=True)
        redis = redis_server.choose(self.env, self.var)
        self.env["REDIS_URL"] = redis.url
        if redis.part is not None:
            self.spawn("redis", redis.part.argv)
        self.python(SET_UP, BUYER, self.seed, self.callback_url)

    def python(self, code: str, *arguments: str) -> str:
        """Run Python in this installation; returns what it printed."""
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            env=self.env,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(done.stderr)
        return done.stdout

    def spawn(self, name: str, argv: tuple[str, ...] | list[str]) -> None:
        """Start a process; its words go to a file."""
        with (self.var / f"{name}.log").open("ab") as log:
            self.children[name] = subprocess.Popen(argv, env=self.env, cwd=ROOT, stdout=log, stderr=log)

    def serve(self, application: str = "caco_site.asgi:application", processes: int = 1) -> None:
        """Open the door as `manage.py up --web-processes` does, and wait until it answers."""
        argv = [sys.executable, "-m", "caco_site.web_process", "--application", application, "--port", str(self.port)]
        for name in self.webs(processes):
            self.spawn(name, [*argv, "--log-level", "warning", *(["--shared"] if processes > 1 else [])])
        self.wait()
        if processes > 1:
            time.sleep(LATER_S)

    def webs(self, processes: int) -> list[str]:
        """The names of so many web processes."""
        return ["web", *(f"web-{number}" for number in range(2, processes + 1))]

    def wait(self) -> None:
        """Until the door answers anything."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                urllib.request.urlopen(f"{self.url}/beckn/bpp/nothing", timeout=1)
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise SystemExit((self.var / "web.log").read_text()[-3000:])

    def end(self, name: str, how: signal.Signals = signal.SIGTERM) -> None:
        """End a process and bury it."""
        child = self.children.pop(name, None)
        if child is not None:
            child.send_signal(how)
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def close(self) -> None:
        """End everything."""
        for name in list(self.children):
            self.end(name)

    def cpu_s(self, name: str = "web") -> float:
        """User and system time of a process so far, in seconds."""
        fields = Path(f"/proc/{self.children[name].pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def counted(self) -> tuple[int, int]:
        """Rows in the inbox, and distinct message ids among them."""
        rows, distinct = self.python(COUNT).split()
        return int(rows), int(distinct)

    def durability(self) -> str:
        """What the database says about its own commits; refuses to measure one that does not wait for the disk."""
        told = " ".join(self.python(DURABLE).split("\n")).strip()
        if re.search(r"fsync off|synchronous_commit off|synchronous [01]\b", told):
            raise SystemExit(f"this database does not wait for the disk ({told}); its figures would mean nothing")
        return told

    def peer(self) -> dict[str, str]:
        """What a sender must know: network, receiver and address, from the installation's own settings."""
        code = (
            "import django, json; django.setup(); from django.conf import settings as s; "
            "print(json.dumps(s.BECKN_PARTICIPANTS['bpp'] | {'network': s.BECKN_NETWORK_ID}))"
        )
        told: dict[str, str] = json.loads(self.python(code))
        return told
