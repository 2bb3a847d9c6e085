"""Health names each part and its state, and is 503 until every part is there."""

from __future__ import annotations

import json
import time

import pytest
import redis
from django.db import DatabaseError

from caco_site import health, heartbeat
from caco_site.contract_state import NotDeployedError


class FakeRedis:
    """A Redis that holds what a test put there, or fails as told."""

    def __init__(self, values=None, fault=None):
        self.values, self.fault = values or {}, fault

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def get(self, key):
        if self.fault:
            raise self.fault
        return self.values.get(key)

    def ping(self):
        return self.get("")


@pytest.fixture
def broker(settings, monkeypatch):
    """Make the part of Redis play a given state."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    def play(**state):
        monkeypatch.setattr(heartbeat, "connection", lambda: FakeRedis(**state))

    return play


@pytest.fixture
def no_chain(settings):
    settings.CHAIN_RPC_URL = "none"


def pulse(seconds_ago):
    return {heartbeat.KEY: repr(time.time() - seconds_ago).encode()}


def test_live_answers_whatever_else_is_down(client):
    assert client.get("/health/live").json() == {"status": "live"}


@pytest.mark.django_db
def test_ready_is_200_when_every_part_is_there(client, broker, no_chain):
    broker(values=pulse(1))
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert {name: part["state"] for name, part in answer.json()["parts"].items()} == {
        "database": "OK",
        "redis": "OK",
        "worker": "OK",
        "chain": "NO_CHAIN",
    }
    assert "no-cache" in answer.headers["Cache-Control"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "worker"),
    [
        ({"values": {heartbeat.KEY: b"1000.0"}}, "the last worker was seen 90 s ago"),
        ({}, "no worker has run"),
        ({"fault": redis.ConnectionError("refused")}, "without Redis no worker can be seen"),
    ],
)
def test_ready_is_503_and_names_the_part_that_is_missing(client, broker, no_chain, monkeypatch, state, worker):
    monkeypatch.setattr(heartbeat.time, "time", lambda: 1090.0)
    broker(**state)
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["parts"]["worker"] == {"state": "FAILED", "detail": worker}


def test_a_stand_in_for_redis_is_named(broker, settings):
    broker()
    settings.REDIS_STANDS_IN = True
    found = health.broker()
    assert found.state == health.DEGRADED
    assert "fakeredis" in found.detail


def test_without_a_redis_nothing_is_ready(settings):
    settings.REDIS_URL = ""
    assert health.broker().state == health.worker().state == health.FAILED


def test_a_database_that_does_not_answer_is_named(monkeypatch):
    def fails(_):
        raise DatabaseError("gone")

    monkeypatch.setattr(health, "MigrationExecutor", fails)
    assert health.database() == health.Health(health.FAILED, "the database does not answer (DatabaseError)")


@pytest.mark.django_db
def test_missing_migrations_are_counted(monkeypatch):
    class Behind:
        def __init__(self, _):
            self.loader = self
            self.graph = self

        def leaf_nodes(self):
            return []

        def migration_plan(self, _):
            return [1, 2]

    monkeypatch.setattr(health, "MigrationExecutor", Behind)
    assert health.database().detail == "2 migrations are missing; run manage.py migrate"


def test_a_chain_without_the_contract_is_named_and_no_address_is_told(settings, tmp_path, monkeypatch):
    settings.CHAIN_RPC_URL = "http://user:secret@chain.example:8545"
    settings.CHAIN_CONTRACT_FILE = tmp_path / "contract.json"
    assert health.chain().state == health.FAILED

    def away(url, file):
        raise NotDeployedError("the chain does not answer (URLError)")

    monkeypatch.setattr(health, "chain_of_contract", away)
    found = health.chain()
    assert found.state == health.FAILED
    assert "secret" not in json.dumps(found.detail)


def test_no_chain_at_all_says_what_to_do(settings, tmp_path):
    settings.CHAIN_RPC_URL, settings.VAR_DIR = "", tmp_path
    assert health.chain().state == health.FAILED
    assert "manage.py up" in health.chain().detail
