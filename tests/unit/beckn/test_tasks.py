from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from beckn import inbox, outbox, registry, retry, tasks, wake
from beckn.models import InboxMessage, OutboxMessage, Subscriber
from beckn.testing import Listener, Participant
from beckn.wire import body, signing
from tests.unit.beckn import application
from tests.unit.beckn.messages import CONTRACT

pytestmark = pytest.mark.django_db


def receive(buyer: Participant) -> int:
    raw = body.dump(buyer.envelope("confirm", {"contract": CONTRACT}))
    authorization, now = buyer.authorization(raw), timezone.now()
    signer = registry.lookup(buyer.signer.subscriber_id, buyer.signer.key_id, now=now)
    judged = inbox.judge(
        raw,
        authorization=authorization,
        signature=signing.parse(authorization),
        signer=signer,
        role="bpp",
        action="confirm",
        now=now,
    )
    (outcome,) = inbox.store([judged], now=now)
    assert isinstance(outcome, inbox.Stored)
    return outcome.pk


def test_a_sweep_does_what_nobody_was_woken_for(buyer, buyer_door):
    pk = receive(buyer)
    tasks.sweep()
    assert InboxMessage.objects.get(pk=pk).state == "HANDLED"
    assert OutboxMessage.objects.get().state == "DELIVERED"
    (got,) = buyer_door.received
    assert got.path == "/bap/on_confirm"
    tasks.sweep()
    assert len(buyer_door.received) == len(application.seen) == 1


def test_tasks_take_rows_and_swallow_what_they_do_not_know(buyer, buyer_door):
    pk = receive(buyer)
    tasks.handle(message_pks=[pk], another="word")
    tasks.deliver(message_pks=[OutboxMessage.objects.get().pk], another="word")
    assert len(buyer_door.received) == 1


def test_a_fault_with_one_row_does_not_keep_the_next_from_its_turn(buyer, monkeypatch):
    pks = [receive(buyer), receive(buyer)]
    work, tried = inbox.handle, []

    def handle(pk: int, **options: object) -> str:
        tried.append(pk)
        if len(tried) == 1:
            raise RuntimeError("no database")
        return work(pk, **options)

    monkeypatch.setattr(inbox, "handle", handle)
    tasks.sweep()
    assert sorted(tried) == pks
    assert InboxMessage.objects.filter(state="HANDLED").count() == 1


def test_a_sweep_ends_in_time_and_one_runs_at_a_time(buyer, monkeypatch):
    receive(buyer)
    monkeypatch.setattr(tasks, "SWEEP_AT_MOST_S", -1)
    tasks.sweep()
    assert application.seen == []
    monkeypatch.undo()
    with tasks.sweeping:
        tasks.sweep()
    assert application.seen == []
    assert not tasks.sweeping.locked()


def test_the_task_names_are_those_that_are_woken():
    assert tasks.handle.name == wake.HANDLE
    assert tasks.deliver.name == wake.DELIVER


def test_a_broker_that_is_gone_costs_a_line_in_the_log(monkeypatch, caplog):
    def refuse(*_: object, **__: object) -> None:
        raise OSError("connection refused")

    monkeypatch.setattr(wake.current_app, "send_task", refuse)
    wake.now(wake.HANDLE, [1])
    assert "next sweep" in caplog.text


def test_the_directory_of_another_registry_is_learnt_now_and_then(installed, settings, monkeypatch, caplog):
    far = Participant("bpp", "far.example", url="https://far.example/bpp")
    with Listener(Participant("bap", "registry.example")).listening() as elsewhere:
        settings.BECKN_REGISTRY_URL = f"{elsewhere.base}/registry"
        elsewhere.directory = [far.subscription()]
        tasks.sweep()
        row = outbox.send(
            role="bap", action="discover", message={"intent": {}}, to="far.example", transaction_id=uuid.uuid4()
        )
        assert row.state == "PENDING"
        elsewhere.directory = []
        first = Subscriber.objects.get(subscriber_id="far.example").fetched_at
        tasks.sweep()
        assert Subscriber.objects.get(subscriber_id="far.example").fetched_at == first
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now + tasks.DIRECTORY_EVERY + timedelta(seconds=1))
    tasks.read_directory(now=timezone.now())
    assert "cannot be read" in caplog.text


def test_pauses_double_with_jitter_up_to_an_hour():
    for attempt in range(1, 200):
        whole = min(3600, 2**attempt)
        assert whole / 2 <= retry.delay(attempt).total_seconds() <= whole
    assert len({retry.delay(5) for _ in range(20)}) > 1
