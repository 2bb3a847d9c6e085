"""What a demonstration's installation takes from the environment, and how its clock is set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from marketplace import clock
from marketplace.management.process_group import NotReadyError, ProcessGroup

MINE = {
    "DATABASE_URL": "postgres://mine",
    "REDIS_URL": "redis://mine",
    "CACO_RPC_URL": "http://mine",
    "CACO_FEEDS_LIVE": "true",
    "BECKN_BPP_ID": "mine.example",
    "HOME": "/home/me",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name, value in MINE.items():
        monkeypatch.setenv(name, value)


def test_a_private_installation_takes_nothing_that_steers_the_caller_s(tmp_path):
    env = ProcessGroup(tmp_path / "var", log=tmp_path / "log").env
    assert {name: env[name] for name in MINE if name in env} == {"HOME": "/home/me"}
    assert env["CACO_VAR"] == str(tmp_path / "var")


def test_the_caller_s_own_keeps_what_the_environment_names(tmp_path):
    env = ProcessGroup(tmp_path / "var", log=tmp_path / "log", private=False).env
    assert {name: env[name] for name in MINE} == MINE
    assert env["DJANGO_SETTINGS_MODULE"] == "caco_site.settings"


def test_each_has_a_port_and_a_folder_of_its_own(tmp_path):
    groups = [ProcessGroup(tmp_path / name, log=tmp_path / "log") for name in "ab"]
    assert len({group.port for group in groups}) == 2
    assert all(group.url == group.env["CACO_PUBLIC_URL"] for group in groups)


def test_the_clock_is_the_one_the_market_reads(tmp_path, settings):
    group = ProcessGroup(tmp_path / "var", log=tmp_path / "log")
    settings.ENVIRONMENT, settings.MARKET_CLOCK_FILE = "DEMO", group.env["CACO_MARKET_CLOCK_FILE"]
    moment = datetime(2024, 3, 4, 0, 1, tzinfo=UTC)
    group.set_clock(moment)
    assert abs(clock.now() - moment) < timedelta(seconds=5)


def test_one_that_cannot_start_is_quoted(tmp_path):
    group = ProcessGroup(tmp_path / "var", log=tmp_path / "log", options=["--no-such-option"])
    with pytest.raises(NotReadyError, match="unrecognized arguments: --no-such-option"):
        group.start()
