"""The one thread of this process that stores messages: everything waiting goes into one transaction, with one fsync.

Under load a commit takes as long for a hundred messages as for one; that is what lets an ACK mean "stored" at speed. The
queue is bounded: a full one is answered 503 at once. A second thread wakes the worker for new messages, so that a slow
broker delays no receipt; what it drops, the sweep finds.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import queue
import threading
import time
from collections.abc import Sequence
from typing import TypeVar

from django.db import OperationalError, close_old_connections, connection
from django.utils import timezone

from beckn import inbox, wake
from beckn.inbox import Judged, Stored
from beckn.wire.errors import WireError

log = logging.getLogger(__name__)
T = TypeVar("T")
MOST_WAITING = 1000
BATCH = 256
# A batch costs about as much as ten messages in it. Under load a short pause lets it fill; a lone message never waits.
PAUSE_S, WAKE_PAUSE_S = 0.008, 0.1
WAKE_TOGETHER = 64
DRAIN_S = 10.0
Outcome = Stored | WireError
Waiting = tuple[Judged, asyncio.AbstractEventLoop, "asyncio.Future[Outcome]"]


class Writer:
    """Started by its first message; it ends with the process, after storing what it still holds."""

    def __init__(self) -> None:
        self.waiting: queue.Queue[Waiting | None] = queue.Queue(MOST_WAITING)
        self.to_wake: queue.Queue[int | None] = queue.Queue(10 * MOST_WAITING)
        self.threads: list[threading.Thread] = []

    async def put(self, item: Judged) -> Stored:
        """Store `item`; returns after the commit. Raises WireError: a conflict, a revoked key, or no room (503)."""
        if not self.threads:
            self.start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        try:
            self.waiting.put_nowait((item, loop, future))
        except queue.Full as full:
            raise overloaded("Too many messages are waiting") from full
        outcome = await future
        if isinstance(outcome, WireError):
            raise outcome
        return outcome

    def start(self) -> None:
        """Start the threads, once per process."""
        self.threads = [
            threading.Thread(target=self.write, name="inbox writer", daemon=True),
            threading.Thread(target=self.wake, name="inbox waker", daemon=True),
        ]
        for thread in self.threads:
            thread.start()
        atexit.register(self.stop)

    def stop(self) -> None:
        """Store what is waiting, then end. Whoever was not answered sends again."""
        self.waiting.put(None)
        self.threads[0].join(DRAIN_S)
        self.to_wake.put(None)
        self.threads[1].join(1)
        self.threads = []
        atexit.unregister(self.stop)

    def write(self) -> None:
        """Batch after batch."""
        more, batch = True, list[Waiting | None]()
        while more:
            batch = take(self.waiting, BATCH, pause_s=PAUSE_S if len(batch) > 1 else 0)
            more = None not in batch
            items = [one for one in batch if one is not None]
            if items:
                self.store(items)
        connection.close()

    def store(self, items: Sequence[Waiting]) -> None:
        """One batch, and everybody's answer."""
        outcomes: list[Outcome]
        try:
            outcomes = inbox.store([item for item, _, _ in items], now=timezone.now())
        except OperationalError as problem:
            log.error("%s messages were not stored: %s", len(items), problem)
            close_old_connections()
            outcomes = [overloaded("The database does not answer")] * len(items)
        except Exception:
            log.exception("%s messages were not stored", len(items))
            outcomes = [WireError("NET_INTERNAL_ERROR", "Nothing was stored.", http_status=500)] * len(items)
        for loop in {loop for _, loop, _ in items}:
            answers = [(future, out) for (_, at, future), out in zip(items, outcomes, strict=True) if at is loop]
            try:
                loop.call_soon_threadsafe(resolve, answers)
            except RuntimeError:  # the loop is closed: nobody is left to be answered, and they will send again
                log.warning("%s messages were stored after their door had closed", len(answers))
        for outcome in outcomes:
            if isinstance(outcome, Stored) and outcome.is_new:
                self.note(outcome.pk)

    def note(self, pk: int) -> None:
        """Wake the worker for a new message, unless so many wait that the sweep is as good."""
        try:
            self.to_wake.put_nowait(pk)
        except queue.Full:
            log.warning("message %s is left to the sweep", pk)

    def wake(self) -> None:
        """Send wake-ups, a few messages in each."""
        more, batch = True, list[int | None]()
        while more:
            batch = take(self.to_wake, WAKE_TOGETHER, pause_s=WAKE_PAUSE_S if len(batch) > 1 else 0)
            more = None not in batch
            pks = [pk for pk in batch if pk is not None]
            if pks:
                wake.now(wake.HANDLE, pks)


def take(source: queue.Queue[T], most: int, *, pause_s: float) -> list[T]:
    """Wait for one item, and `pause_s` more, then take what is there, up to `most`."""
    batch = [source.get()]
    time.sleep(pause_s)
    try:
        while len(batch) < most:
            batch.append(source.get_nowait())
    except queue.Empty:
        pass
    return batch


def resolve(answers: Sequence[tuple[asyncio.Future[Outcome], Outcome]]) -> None:
    """Answer on the loop; whoever hung up is not waiting any more."""
    for future, outcome in answers:
        if not future.done():
            future.set_result(outcome)


def overloaded(reason: str) -> WireError:
    """Come back later."""
    return WireError("NET_OVERLOADED", f"{reason}; send again in a moment.", http_status=503)
