"""Installations with separate databases and keys that know each other, for journeys between two of them over real sockets."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.unit.beckn.installation import ROOT, Installation

WORKER = """
import django, time; django.setup()
from beckn.tasks import sweep
while True:
    sweep()
    time.sleep(0.05)
"""
KNOW = """
from django.utils import timezone
from beckn import registry
from beckn.wire.context import Party
from beckn.wire.profile import PROFILES
registry.register(Party({subscriber_id!r}, {url!r}), role={role!r}, key_id={key_id!r}, public_key={public_key!r}, now=timezone.now())
registry.set_profile({subscriber_id!r}, PROFILES[{profile!r}])
"""


class House(Installation):
    """An installation with a worker of its own; its participants are named after it."""

    def __init__(self, var: Path, name: str) -> None:
        super().__init__(var, registry_url="")
        self.env |= {
            "BECKN_BPP_ID": "seller.example" if name == "seller" else "spare-seller.example",
            "BECKN_BAP_ID": "buyer.example" if name == "buyer" else "spare-buyer.example",
            "BECKN_DS_ID": f"{name}-discovery.example",
        }
        self.worker: subprocess.Popen[bytes] | None = None

    def open(self, *, works: bool = True) -> None:
        """Door and worker; a worker that does not work yet is hired later."""
        self.set_up()
        self.start()
        if works:
            self.hire()

    def hire(self) -> None:
        """Start the worker."""
        with (self.var / "worker.log").open("ab") as log:
            command = [sys.executable, "-c", WORKER]
            self.worker = subprocess.Popen(command, env=self.env, cwd=ROOT, stdout=log, stderr=log)

    def close(self) -> None:
        if self.worker is not None:
            self.worker.terminate()
            self.worker.wait(20)
        self.stop()

    def know(self, profile: str, *, role: str, url: str, subscriber_id: str, key_id: str, public_key: str) -> None:
        """Enter another participant in this house's registry, with the profile in which we speak with it."""
        told = {"subscriber_id": subscriber_id, "url": url, "role": role, "key_id": key_id, "public_key": public_key}
        self.run(KNOW.format(**told, profile=profile))

    def entry(self, role: str) -> dict[str, str]:
        """Its own participant as others know it."""
        query = "select subscriber_id, key_id, public_key from beckn_subscriber where role = ? and fetched_at is null"
        ((subscriber_id, key_id, public_key),) = self.rows(query, role)
        named = {"subscriber_id": subscriber_id, "key_id": key_id, "public_key": public_key}
        return named | {"role": role, "url": f"{self.url}/{role}"}


def wait_until(done: Callable[[], Any]) -> None:
    """Until it is so, for a while."""
    end = time.monotonic() + 40
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)
