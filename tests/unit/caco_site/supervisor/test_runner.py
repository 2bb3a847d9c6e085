"""Real small processes: started, started again, run to their end, and stopped with everything they began."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from caco_site.supervisor import runner as room
from caco_site.supervisor.part import CannotStartError, Part
from caco_site.supervisor.runner import Runner

SLEEPER = "import time; print('here', flush=True); time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
FAMILY = (
    "import subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    "print(child.pid, flush=True)\n"
    "time.sleep(60)"
)


def part(code, **options):
    return Part("one", (sys.executable, "-c", code), "a test's process", lambda: True, **options)


def until(condition, *, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    with open(f"/proc/{pid}/stat") as file:  # nobody waits for an orphan in a container: a zombie is gone too
        return file.read().split()[2] == "Z"


@pytest.fixture
def lines():
    return []


@pytest.fixture
def runner(tmp_path, lines):
    lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    made = Runner(logs=tmp_path, env=os.environ, lock=lock, say=lines.append, stopping=lambda: False)
    yield made
    made.stop(["one"])
    os.close(lock)


def test_a_part_finds_our_packages_wherever_the_supervisor_was_started(runner, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runner.start(part("import caco_site; print('found', flush=True); import time; time.sleep(60)"))
    until(lambda: log(runner) == "found\n")


def log(runner, name="one"):
    return (runner.logs / f"{name}.log").read_text()


def test_a_dead_child_is_started_again_with_growing_pauses(runner, lines):
    runner.start(part(SLEEPER))
    child = runner.children[0]
    pauses = []
    for _ in range(3):
        until(lambda: child.running)
        os.kill(child.process.pid, signal.SIGKILL)
        child.process.wait()
        before = time.monotonic()
        runner.tick()
        pauses.append(child.due - before)
        until(lambda: runner.tick() or child.running)
    assert pauses == sorted(pauses)
    assert pauses[0] < 0.2 < pauses[2]
    assert lines[0] == "one       was ended by SIGKILL; starting it again in 0.1 s (log: one.log)"


def test_a_child_that_ran_long_is_forgiven(runner, monkeypatch):
    runner.start(part("pass"))
    child = runner.children[0]
    child.process.wait()
    child.faults, child.started = 7, time.monotonic() - room.STEADY_S - 1
    runner.tick()
    assert child.faults == 1


def test_what_a_dead_child_began_ends_with_it(runner):
    runner.start(part(FAMILY))
    until(lambda: log(runner).strip())
    grandchild = int(log(runner))
    os.kill(runner.children[0].process.pid, signal.SIGKILL)
    runner.children[0].process.wait()
    runner.tick()
    until(lambda: gone(grandchild))


def test_stopping_is_polite_first(runner, lines):
    runner.start(part(SLEEPER))
    until(lambda: log(runner))
    process = runner.children[0].process
    runner.stop(["one"])
    assert process.returncode == -signal.SIGTERM
    assert lines == []


def test_who_does_not_listen_is_ended(runner, lines):
    runner.start(part(DEAF, patience_s=0.2))
    until(lambda: log(runner))
    process = runner.children[0].process
    runner.stop(["one"])
    assert process.returncode == -signal.SIGKILL
    assert lines == ["one       did not stop in 0 s and was ended"]


def test_a_command_that_fails_is_quoted(runner):
    with pytest.raises(CannotStartError, match=r"step failed with code 3; .*step\.log ends: no database"):
        runner.once("step", (sys.executable, "-c", "print('no database'); raise SystemExit(3)"))
    runner.once("step", (sys.executable, "-c", "print('fine')"))
    assert log(runner, "step").endswith("fine\n")


def test_a_part_that_never_gets_ready_is_named(runner):
    slow = Part("one", (sys.executable, "-c", SLEEPER), "", lambda: False)
    runner.start(slow)
    with pytest.raises(CannotStartError, match="one was not ready after 0 s"):
        runner.wait_ready(["one"], timeout_s=0.2)


def test_a_large_log_is_put_aside(runner, monkeypatch):
    monkeypatch.setattr(room, "LOG_BYTES", 4)
    runner.once("step", (sys.executable, "-c", "print('first run')"))
    runner.once("step", (sys.executable, "-c", "print('second run')"))
    assert log(runner, "step") == "second run\n"
    assert (runner.logs / "step.log.1").read_text() == "first run\n"
