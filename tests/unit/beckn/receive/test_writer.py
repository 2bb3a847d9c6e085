from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from django.db import OperationalError

from beckn import inbox, wake
from beckn.inbox import Stored
from beckn.receive import writer
from beckn.receive.writer import Writer
from beckn.wire.errors import WireError


@pytest.fixture
def batches(monkeypatch) -> list[list[Any]]:
    """Nothing is stored and nobody woken; the batches are kept."""
    kept: list[list[Any]] = []

    def store(items: list[Any], *, now: Any) -> list[Any]:
        kept.append(items)
        return [one if isinstance(one, WireError) else Stored(one, b"receipt", is_new=one % 2 == 0) for one in items]

    monkeypatch.setattr(inbox, "store", store)
    monkeypatch.setattr(wake, "now", lambda *_: None)
    return kept


def put_all(one: Writer, items: list[Any]) -> list[Any]:
    async def main() -> list[Any]:
        return await asyncio.gather(*[one.put(item) for item in items], return_exceptions=True)

    try:
        return asyncio.run(main())
    finally:
        if one.threads:
            one.stop()


def test_everything_that_waits_is_stored_in_few_batches_and_each_gets_its_own_answer(batches):
    problem = WireError("CTX_MESSAGE_ID_DUPLICATE", "again")
    items = [*range(300), problem, *range(300, 400)]
    answers = put_all(Writer(), items)
    assert [one.pk for one in answers if isinstance(one, Stored)] == list(range(400))
    assert answers[300] is problem
    assert sum(len(batch) for batch in batches) == 401
    assert len(batches) < 40
    assert max(len(batch) for batch in batches) <= writer.BATCH


def test_only_new_messages_wake_the_worker(batches, monkeypatch):
    woken: list[int] = []
    monkeypatch.setattr(wake, "now", lambda task, pks: woken.extend(pks))
    put_all(Writer(), list(range(20)))
    assert woken == list(range(0, 20, 2))


def test_a_full_queue_is_answered_at_once(batches, monkeypatch):
    monkeypatch.setattr(writer, "MOST_WAITING", 3)
    gate = threading.Event()
    store = inbox.store

    def slow(items: list[Any], **options: Any) -> list[Any]:
        gate.wait(10)
        return store(items, **options)

    monkeypatch.setattr(inbox, "store", slow)
    one = Writer()

    async def main() -> list[Any]:
        tasks = [asyncio.ensure_future(one.put(number)) for number in range(20)]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        gate.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    answers = asyncio.run(main())
    one.stop()
    refused = [answer for answer in answers if isinstance(answer, WireError)]
    assert {(answer.code, answer.http_status) for answer in refused} == {("NET_OVERLOADED", 503)}
    assert 20 - len(refused) == sum(len(batch) for batch in batches)


@pytest.mark.parametrize(("fault", "status"), [(OperationalError("disk full"), 503), (RuntimeError("bug"), 500)])
def test_a_database_that_fails_acknowledges_nothing_and_is_tried_again(batches, monkeypatch, fault, status, caplog):
    store = inbox.store
    faults = [fault]

    def failing(items: list[Any], **options: Any) -> list[Any]:
        if faults:
            raise faults.pop()
        return store(items, **options)

    monkeypatch.setattr(inbox, "store", failing)
    one = Writer()

    async def main() -> tuple[Any, Any]:
        first = await asyncio.gather(one.put(1), return_exceptions=True)
        return first[0], await one.put(2)

    first, second = asyncio.run(main())
    one.stop()
    assert (first.http_status, second.pk) == (status, 2)
    assert "not stored" in caplog.text


def test_stopping_stores_what_waits(batches):
    one = Writer()
    loop = asyncio.new_event_loop()
    future: asyncio.Future[Any] = loop.create_future()
    for number in range(10):
        one.waiting.put((number, loop, future))
    one.start()
    one.stop()
    loop.close()
    assert [item for batch in batches for item in batch] == list(range(10))
    assert one.threads == []


def test_messages_whose_door_has_closed_are_stored_all_the_same(batches, caplog):
    one = Writer()
    loop = asyncio.new_event_loop()
    future: asyncio.Future[Any] = loop.create_future()
    loop.close()
    one.waiting.put((1, loop, future))
    one.start()
    one.stop()
    assert batches == [[1]]
    assert "closed" in caplog.text
