"""A few faults of the long campaign: the sender against a chain of another make, each effect exactly once."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from benchmarks.second_chain import HERE, missing
from tests.style.meter import ROOT


@pytest.mark.skipif(bool(missing()), reason=f"service missing: {missing()}")
def test_each_head_and_each_record_stands_once_whatever_broke() -> None:
    told = {name: value for name, value in os.environ.items() if not name.startswith(("CACO_", "BECKN_", "DATABASE_"))}
    command = [sys.executable, "-m", "benchmarks.chain_faults", "--faults", "3", "--seed", "3"]
    done = subprocess.run(command, cwd=ROOT, env=told, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "each head and each record stands by exactly one event" in done.stdout
    assert " 3 faults in " in f" {done.stdout}".replace("\n", " ")


def test_the_lock_file_names_no_host() -> None:
    lock = json.loads((HERE / "package-lock.json").read_text())
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    bundled = {name for name, package in lock["packages"].items() if package.get("inBundle")}
    assert all("integrity" in package for name, package in lock["packages"].items() if name and name not in bundled)
