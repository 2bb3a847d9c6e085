"""A wake-up call goes out after commit, by a name that exists; when it is lost, nothing breaks."""

from __future__ import annotations

import re

import pytest
from celery import current_app
from django.db import transaction

from marketplace import enqueue
from tests.style.meter import ROOT


@pytest.fixture
def sent(monkeypatch):
    calls = []
    monkeypatch.setattr(enqueue, "wake", lambda name, kwargs: calls.append((name, kwargs)))
    return calls


@pytest.mark.django_db(transaction=True)
def test_nothing_is_sent_before_the_commit_and_nothing_after_a_rollback(sent):
    with transaction.atomic():
        enqueue.enqueue("a.task", site_id=1)
        assert sent == []
    assert sent == [("a.task", {"site_id": 1})]
    with transaction.atomic():
        enqueue.enqueue("a.task", site_id=2)
        transaction.set_rollback(True)
    assert len(sent) == 1


def test_a_broker_that_does_not_answer_costs_a_log_line(monkeypatch, caplog):
    def broken(*_, **__):
        raise ConnectionError("connection refused")

    monkeypatch.setattr(current_app, "send_task", broken)
    enqueue.wake("marketplace.agents.compute.tick", {})
    assert "marketplace.agents.compute.tick" in caplog.text
    assert "next sweep" in caplog.text


def test_every_name_that_is_enqueued_is_a_task():
    """Work is started by name so that use cases need not import their doors; a wrong name must not be found in production."""
    current_app.loader.import_default_modules()
    known = set(current_app.tasks)
    named = set()
    for path in (ROOT / "marketplace").rglob("*.py"):
        named |= set(re.findall(r'enqueue\(\s*"([\w.]+)"', path.read_text()))
    assert len(named) >= 5
    assert named - known == set()
