"""What waits does so in threads, so many and no more; and nobody waits for ever."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from beckn.receive.threads import Threads
from beckn.wire.errors import WireError


def test_a_call_is_made_beside_the_loop_and_its_answer_or_fault_comes_back():
    async def both() -> int:
        threads = Threads("t", size=1, most=2)
        with pytest.raises(ZeroDivisionError):
            await threads.run(lambda: 1 // 0)
        assert threads.busy == 0
        return await threads.run(threading.get_ident)

    assert asyncio.run(both()) != threading.get_ident()


def test_more_than_may_wait_is_told_so_at_once():
    gate = threading.Event()

    async def crowd() -> list[object]:
        threads = Threads("t", size=1, most=3)
        waiting = [asyncio.ensure_future(threads.run(gate.wait)) for _ in range(3)]
        await asyncio.sleep(0)
        begun = time.monotonic()
        with pytest.raises(WireError) as full:
            await threads.run(gate.wait)
        assert (full.value.code, full.value.http_status) == ("NET_OVERLOADED", 503)
        assert time.monotonic() - begun < 1
        gate.set()
        await asyncio.gather(*waiting)
        return [await threads.run(lambda: "room again")]

    assert asyncio.run(crowd()) == ["room again"]


def test_what_somebody_else_is_at_is_asked_again_until_it_is_known():
    answers = [None, None, "known"]

    async def ask() -> str:
        return await Threads("t", size=1, most=1).until_known(lambda: answers.pop(0), within_s=10)

    assert asyncio.run(ask()) == "known"
    assert answers == []


def test_what_never_is_known_ends():
    async def ask() -> None:
        await Threads("t", size=1, most=1).until_known(lambda: None, within_s=0.1)

    with pytest.raises(WireError) as late:
        asyncio.run(ask())
    assert (late.value.code, late.value.http_status) == ("NET_TIMEOUT", 503)
