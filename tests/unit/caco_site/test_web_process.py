from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator

import pytest

Starter = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start() -> Iterator[Starter]:
    """Starts a web process on a port; all of them end with the test."""
    running: list[subprocess.Popen[bytes]] = []

    def one(port: int, *options: str) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-m",
            "caco_site.web_process",
            "--application",
            "tests.unit.caco_site.whoami:application",
        ]
        process = subprocess.Popen(
            [*command, "--port", str(port), "--log-level", "warning", *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        running.append(process)
        return process

    yield one
    for process in running:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def asked(port: int) -> int:
    """The process that answers on a new connection; 0 when nobody does."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return int(answer.read())
    except OSError:
        return 0


def seen(port: int, *, until: Callable[[set[int]], bool]) -> set[int]:
    """Who answers, asked until that satisfies."""
    found: set[int] = set()
    end = time.monotonic() + 20
    while not until(found):
        assert time.monotonic() < end, f"only {found} answered"
        found.add(asked(port))
        found.discard(0)
    return found


def test_processes_that_share_a_port_all_answer_and_a_dead_one_is_not_missed(start, free_port):
    port = free_port()
    both = {start(port, "--shared"), start(port, "--shared")}
    first, second = both
    assert seen(port, until=lambda found: len(found) == 2) == {process.pid for process in both}
    first.kill()
    first.wait()
    assert {asked(port) for _ in range(20)} == {second.pid}


def test_a_port_that_is_not_shared_is_taken(start, free_port):
    port = free_port()
    first = start(port)
    seen(port, until=lambda found: first.pid in found)
    late = start(port)
    assert late.wait(20) != 0
    assert late.stderr is not None
    assert b"Address already in use" in late.stderr.read()


def test_it_ends_when_told_to(start, free_port):
    port = free_port()
    process = start(port)
    seen(port, until=lambda found: process.pid in found)
    process.terminate()
    assert process.wait(20) in (0, -15)
