"""One supervisor a folder; its children hold the folder as long as one of them lives."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys

import pytest

from caco_site.supervisor import folder
from caco_site.supervisor.part import CannotStartError


@pytest.fixture
def var(tmp_path):
    folder.make(tmp_path / "var")
    return tmp_path / "var"


def test_the_folder_and_its_secret_are_private_and_made_once(var):
    key = var / "keys" / "secret_key"
    assert stat.S_IMODE(var.stat().st_mode) == 0o700
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_text()
    assert len(before) >= 50
    folder.make(var)
    assert key.read_text() == before


def test_a_second_supervisor_is_refused_in_one_sentence(var):
    lock = folder.take(var)
    with pytest.raises(CannotStartError, match=rf"^CACO already runs in .* \(process {os.getpid()}\); stop it"):
        folder.take(var)
    os.close(lock)
    os.close(folder.take(var))


def test_what_a_killed_supervisor_left_is_waited_for(var, monkeypatch):
    lock = folder.take(var)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[lock])
    os.pwrite(lock, b"999999999", 0)  # the supervisor is dead
    os.close(lock)
    monkeypatch.setattr(folder, "LEFTOVERS_S", 0.3)
    with pytest.raises(CannotStartError, match="processes of an earlier run still hold"):
        folder.take(var)
    child.communicate(b"\n", timeout=10)
    os.close(folder.take(var))


def test_what_was_chosen_is_remembered_for_other_commands_and_for_nobody_else(var):
    folder.remember(var, {"REDIS_URL": "redis://:secret@127.0.0.1:1/0"})
    file = var / "run" / "settings.json"
    assert json.loads(file.read_text()) == {"REDIS_URL": "redis://:secret@127.0.0.1:1/0"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("environment", "expected"), [({}, "redis://chosen"), ({"REDIS_URL": "redis://mine"}, "redis://mine")]
)
def test_settings_join_what_runs_unless_the_environment_says_otherwise(var, environment, expected):
    folder.remember(var, {"REDIS_URL": "redis://chosen"})
    env = {"PATH": os.environ["PATH"], "CACO_VAR": str(var), **environment}
    code = "from caco_site import settings; print(settings.REDIS_URL)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert done.stdout.strip() == expected
