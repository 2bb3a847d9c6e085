"""The registry's records in memory, so that verifying a message asks no database on the event loop.

Entries live for seconds. A revocation still bites at once, because the writer asks the table again before it stores; and
where the table only repeats another registry, that one is asked again before a sale is confirmed, changed or cancelled.
Anybody can claim any key, so misses are remembered too, questions about one key are asked once at a time, and there is a
limit to how many are being asked, and to how many keys a subscriber may be claimed to have.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from beckn import registry
from beckn.registry import Record
from beckn.wire.errors import WireError

FOUND_S, MISSED_S = 30.0, 5.0
AGAIN_S = 10.0  # a failed signature makes us ask afresh, at most this often for each key
MOST, MOST_ASKED = 10_000, 50
MISSES_S, MOST_MISSES = 10.0, 20  # so many unknown keys of one subscriber are looked for in so many seconds
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
        self.asking: dict[tuple[Key, bool, timedelta], asyncio.Task[Entry]] = {}
        self.misses: Counter[str] = Counter()
        self.misses_since = 0.0
        self.threads = ThreadPoolExecutor(4, thread_name_prefix="registry")

    async def find(self, key: Key) -> Record:
        """The record of (subscriber id, key id). Raises the registry's WireError, or NET_OVERLOADED."""
        entry = self.entries.get(key)
        if entry is None or entry.until < time.monotonic():
            entry = await self.ask(key, force=False)
        if isinstance(entry.answer, WireError):
            raise entry.answer
        return entry.answer

    async def check_now(self, key: Key) -> None:
        """Raise the registry's WireError unless another registry, if there is one, says right now that the key is in force.

        Only called for a message whose signature held, so that a stranger cannot make us ask.
        """
        if self.fetch() is None:
            return
        entry = await self.ask(key, force=True, stale=timedelta(0))
        if isinstance(entry.answer, WireError):
            raise entry.answer

    def check_misses(self, subscriber_id: str) -> None:
        """Count a question about a key we never saw; too many of one subscriber are not asked."""
        if self.misses_since + MISSES_S < time.monotonic():
            self.misses, self.misses_since = Counter(), time.monotonic()
        self.misses[subscriber_id] += 1
        if self.misses[subscriber_id] > MOST_MISSES:
            raise WireError("NET_OVERLOADED", "Too many unknown keys of one sender; send again.", http_status=503)

    async def refresh(self, key: Key, used: Record) -> Record | None:
        """Another record than the one `used` in vain, if the registry has one by now; asks at most every AGAIN_S."""
        entry = self.entries.get(key)
        if entry is None or entry.asked_at + AGAIN_S < time.monotonic():
            entry = await self.ask(key, force=True)
        return entry.answer if isinstance(entry.answer, Record) and entry.answer != used else None

    async def ask(self, key: Key, *, force: bool, stale: timedelta = registry.STALE) -> Entry:
        """Ask once for everybody who wants to know the same as surely."""
        wanted = (key, force, stale)
        task = self.asking.get(wanted)
        if task is None:
            if len(self.asking) >= MOST_ASKED:
                raise WireError("NET_OVERLOADED", "Too many unknown senders at once; send again.", http_status=503)
            if key not in self.entries or isinstance(self.entries[key].answer, WireError):
                self.check_misses(key[0])
            task = asyncio.ensure_future(self.ask_now(key, force, stale))
            self.asking[wanted] = task
            task.add_done_callback(lambda _: self.asking.pop(wanted, None))
        return await asyncio.shield(task)

    async def ask_now(self, key: Key, force: bool, stale: timedelta) -> Entry:
        """Look up in a thread, and remember the answer."""
        answer = await asyncio.get_running_loop().run_in_executor(self.threads, self.look_up, key, force, stale)
        now = time.monotonic()
        entry = Entry(answer, now, now + (FOUND_S if isinstance(answer, Record) else MISSED_S))
        silent = isinstance(answer, WireError) and answer.code.startswith("NET_")
        if silent and key in self.entries:  # what was known before may still serve whatever is not decisive
            return entry
        if len(self.entries) >= MOST:
            self.entries.clear()
        self.entries[key] = entry
        return entry

    def look_up(self, key: Key, force: bool, stale: timedelta) -> Record | WireError:
        """The registry's answer; its database connection does not outlive the question."""
        try:
            return registry.lookup(*key, now=timezone.now(), fetch=self.fetch(), force=force, stale=stale)
        except WireError as missed:
            return missed
        finally:
            connection.close()
