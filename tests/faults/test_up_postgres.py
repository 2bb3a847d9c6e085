"""`manage.py up --postgres`: data in the embedded PostgreSQL, remembered by the folder, there again after a kill."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from caco_site.supervisor.part import free_port
from tests.faults.up import Up, until


def may_run() -> bool:
    """PostgreSQL refuses root; then it needs an account of its own."""
    return os.geteuid() != 0 or any(one.pw_name == "postgres" for one in pwd.getpwall())


pytestmark = [
    pytest.mark.skipif(not may_run(), reason="service missing: a postgres account for PostgreSQL, as root"),
    pytest.mark.timeout(300),  # several starts, on machines that are busy with other things
]


@pytest.fixture
def var():
    """A short path that the account can pass through."""
    folder = Path(tempfile.mkdtemp(prefix="caco-pg-"))
    folder.chmod(0o711)
    yield folder / "var"
    shutil.rmtree(folder)


def test_data_lives_in_postgres_and_outlives_its_kill(var):
    up = Up(var, free_port(), "--postgres", CACO_RPC_URL="none")
    try:
        print(f"cold start with PostgreSQL: ready in {up.start():.1f} s")
        assert up.ready()["parts"]["database"] == {"state": "OK", "detail": "postgresql, migrated"}
        people = up.manage("demo_parties")
        before = up.pid("postgres")
        os.kill(before, signal.SIGKILL)
        until(lambda: up.pid("postgres") not in {None, before}, "PostgreSQL starting again")
        until(lambda: up.ready()["http"] == 200, "readiness after PostgreSQL was killed")
        assert up.stop() < 15
        assert up.process.returncode == 0
        again = Up(var, up.port, CACO_RPC_URL="none")
        print(f"warm start: ready in {again.start():.1f} s")
        assert again.ready()["parts"]["database"]["detail"] == "postgresql, migrated"
        assert again.manage("demo_parties") == people
        again.stop()
        assert not (var / "caco.sqlite3").exists()
    finally:
        up.stop()
