"""A short slice of the kill campaign (python -m benchmarks.beckn_kill): SIGKILL at random, nothing lost, nothing doubled."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.beckn_kill import campaign


@pytest.mark.timeout(300)
def test_messages_survive_the_death_of_web_and_worker(tmp_path: Path):
    found = campaign(tmp_path / "var", messages=120, senders=6, pauses=(2.0, 6.0), patience_s=120)
    print(found)
    assert found["acknowledged"] == found["distinct"] == found["handled"] == 120
    assert (found["lost"], found["doubled"], found["not handled"]) == (0, 0, 0)
    assert found["web killed"] + found["worker killed"] > 0
