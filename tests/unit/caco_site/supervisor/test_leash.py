"""Where the system does not tell children that their parent died, the leash does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from caco_site.supervisor import leash
from tests.style.meter import ROOT
from tests.unit.caco_site.supervisor.test_runner import SLEEPER, gone, until

PARENT = """
import os, subprocess, sys
leash = [sys.executable, "-m", "caco_site.supervisor.leash", str(os.getpid()), "15", sys.executable, "-c", sys.argv[1]]
child = subprocess.Popen(leash, start_new_session=True, stdout=open(sys.argv[2], "w"))
print(child.pid, flush=True)
child.wait()
"""


def test_the_child_ends_when_its_grandparent_is_killed(tmp_path):
    said = tmp_path / "said"
    code = f"import os; print(os.getpid(), flush=True); {SLEEPER}"
    with subprocess.Popen([sys.executable, "-c", PARENT, code, said], cwd=ROOT, stdout=subprocess.PIPE) as parent:
        held = int(parent.stdout.readline())
        until(lambda: said.exists() and "here" in said.read_text())
        child = int(said.read_text().split()[0])
        parent.kill()
    until(lambda: gone(child))
    until(lambda: gone(held))


@pytest.mark.parametrize(("code", "status"), [("raise SystemExit(3)", 3), ("pass", 0), ("import os; os.abort()", 134)])
def test_it_ends_as_its_child_does(code, status):
    assert leash.main([str(os.getppid()), "15", sys.executable, "-c", code]) == status


def test_a_request_to_stop_is_handed_on(tmp_path):
    command = [
        sys.executable,
        "-m",
        "caco_site.supervisor.leash",
        str(os.getpid()),
        "15",
        sys.executable,
        "-c",
        SLEEPER,
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 128 + signal.SIGTERM
