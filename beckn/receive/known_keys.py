"""The registry's records in memory, so that verifying a message asks no database on the event loop.

Entries live for seconds. A revocation still bites at once, because the writer asks the table again before it stores.
Anybody can claim any key, so misses are remembered too, questions about one key are asked once at a time, and there is a
limit to how many are being asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.db import connection
from django.utils import timezone

from beckn import registry
from beckn.registry import Record
from beckn.wire.errors import WireError

FOUND_S, MISSED_S = 30.0, 5.0
AGAIN_S = 10.0  # a failed signature makes us ask afresh, at most this often for each key
MOST, MOST_ASKED = 10_000, 50
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """What the registry said about a key, and until when (monotonic seconds) that is repeated."""

    answer: Record | WireError
    asked_at: float
    until: float


class KnownKeys:
    """A cache of one process; `fetch` asks another registry when one is configured."""

    def __init__(self, fetch: Callable[[], registry.Fetch | None]) -> None:
        self.fetch = fetch
        self.entries: dict[Key, Entry] = {}
        self.asking: dict[Key, asyncio.Task[Entry]] = {}
        self.threads = ThreadPoolExecutor(4, thread_name_prefix="registry")

    async def find(self, key: Key) -> Record:
        """The record of (subscriber id, key id). Raises the registry's WireError, or NET_OVERLOADED."""
        entry = self.entries.get(key)
        if entry is None or entry.until < time.monotonic():
            entry = await self.ask(key, force=False)
        if isinstance(entry.answer, WireError):
            raise entry.answer
        return entry.answer

    async def refresh(self, key: Key, used: Record) -> Record | None:
        """Another record than the one `used` in vain, if the registry has one by now; asks at most every AGAIN_S."""
        entry = self.entries.get(key)
        if entry is None or entry.asked_at + AGAIN_S < time.monotonic():
            entry = await self.ask(key, force=True)
        return entry.answer if isinstance(entry.answer, Record) and entry.answer != used else None

    async def ask(self, key: Key, *, force: bool) -> Entry:
        """Ask once for everybody who wants to know the same."""
        task = self.asking.get(key)
        if task is None:
            if len(self.asking) >= MOST_ASKED:
                raise WireError("NET_OVERLOADED", "Too many unknown senders at once; send again.", http_status=503)
            task = asyncio.ensure_future(self.ask_now(key, force))
            self.asking[key] = task
            task.add_done_callback(lambda _: self.asking.pop(key, None))
        return await asyncio.shield(task)

    async def ask_now(self, key: Key, force: bool) -> Entry:
        """Look up in a thread, and remember the answer."""
        answer = await asyncio.get_running_loop().run_in_executor(self.threads, self.look_up, key, force)
        now = time.monotonic()
        entry = Entry(answer, now, now + (FOUND_S if isinstance(answer, Record) else MISSED_S))
        if len(self.entries) >= MOST:
            self.entries.clear()
        self.entries[key] = entry
        return entry

    def look_up(self, key: Key, force: bool) -> Record | WireError:
        """The registry's answer; its database connection does not outlive the question."""
        try:
            return registry.lookup(*key, now=timezone.now(), fetch=self.fetch(), force=force)
        except WireError as missed:
            return missed
        finally:
            connection.close()
