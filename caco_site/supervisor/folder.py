"""The installation's folder: who holds it, its secret key, and what other commands must know to join it."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path

from caco_site.supervisor.part import CannotStartError

LEFTOVERS_S = 15.0  # how long processes of a supervisor that was killed may take to end


def make(var: Path) -> None:
    """Create what is missing of the folder, readable by its owner only, and the secret key."""
    for name in ("", "run", "log", "keys", "chain"):
        (var / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    key = var / "keys" / "secret_key"
    if not key.exists():
        write(key, secrets.token_urlsafe(48))


def take(var: Path) -> int:
    """Hold the folder; returns the lock's file descriptor, which children inherit, so that it is held until all are gone.

    Raises CannotStartError when another supervisor lives here, or its children do not end.
    """
    lock = os.open(var / "run" / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    until = time.monotonic() + LEFTOVERS_S
    while not locked(lock):
        holder = os.pread(lock, 100, 0).decode(errors="replace").strip()
        if alive(holder):
            raise CannotStartError(f"CACO already runs in {var} (process {holder}); stop it, or give another CACO_VAR")
        if time.monotonic() > until:
            raise CannotStartError(f"processes of an earlier run still hold {var}; end them and start again")
        time.sleep(0.1)
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def locked(lock: int) -> bool:
    """Try to lock; never waits."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def alive(holder: str) -> bool:
    """Whether the process that wrote its number into the lock is still there."""
    try:
        os.kill(int(holder), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        pass
    return True


def remember(var: Path, chosen: Mapping[str, str]) -> None:
    """Leave what was chosen for this run where caco_site.settings looks for it."""
    write(var / "run" / "settings.json", json.dumps(dict(chosen), indent=1))


def write(path: Path, text: str) -> None:
    """Write a private file whole: a reader sees the old content or the new, never half."""
    new = path.with_name(path.name + ".new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    new.replace(path)
