"""What is said of each part, what is remembered, and what keeps an installation from starting."""

from __future__ import annotations

import pwd
from pathlib import Path

import pytest

from caco_site.supervisor import installation, postgres, processes
from caco_site.supervisor.installation import Wanted, introduce, settings_of
from caco_site.supervisor.part import CannotStartError, Part
from caco_site.supervisor.processes import Addresses
from caco_site.supervisor.redis_server import Redis

REDIS = Redis("redis://:x@127.0.0.1:1/0", "a Redis")


def where(var: Path, host: str = "127.0.0.1", **env: str) -> Addresses:
    return Addresses(var, host, 8000, env)


def introduced(addresses, *parts):
    lines = []
    introduce(lines.append, addresses, REDIS, list(parts))
    return {line.split()[0]: line.split(maxsplit=1)[1] for line in lines}


def test_every_part_is_introduced_with_how_it_was_chosen(tmp_path):
    said = introduced(where(tmp_path), Part("chain", (), "development chain", bool))
    assert said == {
        "database": f"SQLite in {tmp_path / 'caco.sqlite3'}",
        "redis": "a Redis",
        "chain": "development chain",
    }


def test_what_the_environment_names_is_said_so(tmp_path):
    said = introduced(where(tmp_path, DATABASE_URL="postgres://x", CACO_RPC_URL="http://chain.example"))
    assert (said["database"], said["chain"]) == ("as DATABASE_URL says", "as CACO_RPC_URL says")


def test_no_chain_is_named(tmp_path):
    assert introduced(where(tmp_path, CACO_RPC_URL="none"))["chain"].startswith("NO_CHAIN")


def test_embedded_postgres_takes_the_place_of_the_database_line(tmp_path):
    assert "database" not in introduced(where(tmp_path), Part("postgres", (), "PostgreSQL 18", bool))


@pytest.mark.parametrize(
    ("addresses", "public"),
    [
        ({"host": "127.0.0.1"}, "http://127.0.0.1:8000"),
        ({"host": "0.0.0.0"}, "http://127.0.0.1:8000"),
        ({"host": "0.0.0.0", "CACO_PUBLIC_URL": "https://market.example/"}, "https://market.example"),
    ],
)
def test_the_public_address_is_the_setting_or_the_port(tmp_path, addresses, public):
    assert settings_of(where(tmp_path, **addresses), REDIS, [])["CACO_PUBLIC_URL"] == public


def test_what_was_chosen_becomes_settings(tmp_path):
    chosen = settings_of(where(tmp_path), REDIS, [Part("postgres", (), "", bool), None])
    assert chosen["REDIS_URL"] == REDIS.url
    assert chosen["DATABASE_URL"] == postgres.url(tmp_path)
    assert "CACO_REDIS_STANDS_IN" not in chosen
    assert settings_of(where(tmp_path), Redis("r", "", None, stands_in=True), [])["CACO_REDIS_STANDS_IN"] == "true"


def test_a_named_database_is_not_replaced_by_an_embedded_one(tmp_path):
    wanted = Wanted("127.0.0.1", 8000, postgres=True, worker_threads=1)
    assert installation.database(wanted, tmp_path, {"DATABASE_URL": "postgres://x"}) is None


def test_data_in_sqlite_is_not_left_behind_by_switching(tmp_path, monkeypatch):
    monkeypatch.setattr(postgres, "run_as", lambda: None)
    (tmp_path / "caco.sqlite3").touch()
    with pytest.raises(CannotStartError, match="already keeps its data in SQLite"):
        postgres.part(tmp_path)


def test_a_path_too_long_for_a_socket_is_said_before_postgres_says_it(tmp_path, monkeypatch):
    monkeypatch.setattr(postgres, "run_as", lambda: None)
    with pytest.raises(CannotStartError, match="too long a path"):
        postgres.part(tmp_path / ("x" * 100))


def test_root_needs_an_account_for_postgres(monkeypatch):
    def nobody(name):
        raise KeyError(name)

    monkeypatch.setattr(postgres.os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", nobody)
    with pytest.raises(CannotStartError, match="PostgreSQL does not run as root and there is no postgres account"):
        postgres.run_as()
    monkeypatch.setattr(postgres.os, "geteuid", lambda: 1000)
    assert postgres.run_as() is None


def test_several_web_processes_share_the_port_and_one_keeps_it_to_itself(tmp_path):
    alone, several = processes.webs(where(tmp_path), 1), processes.webs(where(tmp_path), 3)
    assert [part.name for part in alone] == ["web"]
    assert [part.name for part in several] == ["web", "web-2", "web-3"]
    assert "--shared" not in alone[0].argv
    assert all("--shared" in part.argv for part in several)
