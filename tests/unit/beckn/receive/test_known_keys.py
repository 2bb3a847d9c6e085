from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from beckn import registry
from beckn.receive import known_keys
from beckn.receive.known_keys import KnownKeys
from beckn.registry import Record
from beckn.wire.errors import WireError

KEY = ("buyer.example", "k1")
NOW = datetime(2026, 1, 15, tzinfo=UTC)
RECORD = Record(*KEY, "bap", "https://buyer.example", "key one", NOW, NOW + timedelta(days=1))
NEWER = Record(*KEY, "bap", "https://buyer.example", "key two", NOW, NOW + timedelta(days=1))


class Registry:
    """A registry that answers what it is told, and a clock."""

    def __init__(self) -> None:
        self.answer: Record | WireError = RECORD
        self.asked: list[tuple[str, str, bool]] = []
        self.time = 1000.0

    def lookup(self, subscriber_id: str, key_id: str, *, now: Any, fetch: Any, force: bool, stale: Any) -> Record:
        self.asked.append((subscriber_id, key_id, force))
        if isinstance(self.answer, WireError):
            raise self.answer
        return self.answer


@pytest.fixture
def book(monkeypatch) -> Registry:
    one = Registry()
    monkeypatch.setattr(registry, "lookup", one.lookup)
    monkeypatch.setattr(known_keys.connection, "close", lambda: None)
    monkeypatch.setattr(time, "monotonic", lambda: one.time)
    return one


def test_many_who_want_to_know_the_same_ask_once(book):
    keys = KnownKeys(lambda: None)

    async def main() -> list[Record]:
        first = await asyncio.gather(*[keys.find(KEY) for _ in range(50)])
        return [*first, await keys.find(KEY)]

    assert asyncio.run(main()) == [RECORD] * 51
    assert book.asked == [(*KEY, False)]


def test_what_was_found_is_remembered_longer_than_what_was_missed(book):
    keys = KnownKeys(lambda: None)
    missing = WireError("AUT_KEY_NOT_FOUND", "no")

    async def find_after(seconds: float, answer: Record | WireError) -> Any:
        book.time += seconds
        book.answer = answer
        return (await asyncio.gather(keys.find(KEY), return_exceptions=True))[0]

    async def main() -> list[Any]:
        return [
            await find_after(0, missing),
            await find_after(known_keys.MISSED_S - 1, RECORD),
            await find_after(2, RECORD),
            await find_after(known_keys.FOUND_S - 1, NEWER),
            await find_after(2, NEWER),
        ]

    assert asyncio.run(main()) == [missing, missing, RECORD, RECORD, NEWER]
    assert len(book.asked) == 3


def test_a_failed_signature_asks_afresh_but_not_again_and_again(book):
    keys = KnownKeys(lambda: None)

    async def main() -> list[Record | None]:
        used = await keys.find(KEY)
        book.answer = NEWER
        soon = await keys.refresh(KEY, used)
        book.time += known_keys.AGAIN_S + 1
        return [soon, await keys.refresh(KEY, used), await keys.refresh(KEY, NEWER), await keys.find(KEY)]

    assert asyncio.run(main()) == [None, NEWER, None, NEWER]
    assert [force for _, _, force in book.asked] == [False, True]


def test_the_memory_and_the_questions_are_bounded(book, monkeypatch):
    keys = KnownKeys(lambda: None)
    monkeypatch.setattr(known_keys, "MOST", 20)
    monkeypatch.setattr(known_keys, "MOST_ASKED", 30)

    async def main() -> list[Any]:
        return await asyncio.gather(*[keys.find((f"x{n}", "k")) for n in range(40)], return_exceptions=True)

    answers = asyncio.run(main())
    refused = [one for one in answers if isinstance(one, WireError)]
    assert [(one.code, one.http_status) for one in refused] == [("NET_OVERLOADED", 503)] * 10
    assert len(keys.entries) <= 20
    assert keys.asking == {}


def test_before_a_sale_is_confirmed_another_registry_is_asked_right_now(book):
    silent, gone = (
        WireError(code, "no", http_status=503) for code in ("NET_DOWNSTREAM_UNAVAILABLE", "AUT_KEY_NOT_FOUND")
    )
    ours, theirs = KnownKeys(lambda: None), KnownKeys(lambda: lambda query: [])

    async def check(answer: Record | WireError) -> Any:
        book.answer = answer
        return (await asyncio.gather(theirs.check_now(KEY), return_exceptions=True))[0]

    async def main() -> list[Any]:
        await ours.check_now(KEY)
        asked_for_ours = list(book.asked)
        await theirs.find(KEY)
        checked = [await check(RECORD), await check(silent)]
        still_found = await theirs.find(KEY)  # its silence costs the decisive message only
        return [asked_for_ours, *checked, still_found, await check(gone)]

    assert asyncio.run(main()) == [[], None, silent, RECORD, gone]
    assert [force for _, _, force in book.asked] == [False, True, True, True]


def test_a_sender_cannot_make_us_look_for_endless_keys(book):
    keys = KnownKeys(lambda: None)

    async def main() -> list[Any]:
        await keys.find(KEY)
        many = [keys.find((KEY[0], f"forged-{n}")) for n in range(known_keys.MOST_MISSES + 5)]
        answers = await asyncio.gather(*many, return_exceptions=True)
        other, known = await keys.find(("other.example", "k")), await keys.find(KEY)
        return [*answers, other, known]

    answers = asyncio.run(main())
    assert sum(isinstance(one, WireError) and one.code == "NET_OVERLOADED" for one in answers) == 6
    assert answers[-2:] == [RECORD, RECORD]
