"""The load: prepared requests over keep-alive connections, as fast as they are answered or at a steady pace.

At a steady pace a request's time runs from when it should have been sent, so that a stalled server is not flattered.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

WARM_S = 1.0


@dataclass
class Load:
    """What was sent and how it was answered: a status and a time in seconds for each request."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    cpu_s: float = 0.0

    def percentile(self, share: float) -> float:
        """A percentile of the times, in milliseconds."""
        ranked = sorted(self.times)
        return 1000 * ranked[min(len(ranked) - 1, int(share * len(ranked)))]


class Connection(asyncio.Protocol):
    """One connection: one request at a time."""

    def __init__(self) -> None:
        self.buffer = b""
        self.answered: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to write."""
        self.transport: asyncio.WriteTransport = transport  # type: ignore[assignment]

    def ask(self, request: bytes) -> asyncio.Future[int]:
        """Send; the future is the status."""
        self.answered = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.answered

    def data_received(self, data: bytes) -> None:
        """Collect until the answer is whole."""
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.buffer[:end].lower()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r")[0] or 0)
        if len(self.buffer) >= end + 4 + length:
            status, self.buffer = int(head[9:12]), b""
            self.done(status)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Whoever waits learns that nothing came."""
        self.done(0)

    def done(self, status: int) -> None:
        """Wake whoever waits."""
        if self.answered is not None and not self.answered.done():
            self.answered.set_result(status)


async def connect(port: int, count: int) -> list[Connection]:
    """`count` open connections."""
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(Connection, "127.0.0.1", port) for _ in range(count)]
    return [connection for _, connection in made]


def note(load: Load, status: int, begun: float) -> None:
    """One answer."""
    load.statuses[status] = load.statuses.get(status, 0) + 1
    load.times.append(time.perf_counter() - begun)


async def flat_out(port: int, source: Iterator[bytes], connections: int, seconds: float) -> Load:
    """Each connection sends its next request when the last one is answered."""
    load, end = Load(), time.perf_counter() + seconds

    async def talk(one: Connection) -> None:
        while time.perf_counter() < end and (request := next(source, None)) is not None:
            begun = time.perf_counter()
            note(load, await one.ask(request), begun)

    made = await connect(port, connections)
    begun = time.perf_counter()
    await asyncio.gather(*map(talk, made))
    load.seconds = time.perf_counter() - begun
    for one in made:
        one.transport.close()
    return load


async def paced(port: int, source: Iterator[bytes], connections: int, seconds: float, per_s: float) -> Load:
    """`per_s` requests a second, on whichever connection is free."""
    load = Load()
    idle: asyncio.Queue[Connection] = asyncio.Queue()
    made = await connect(port, connections)
    for one in made:
        idle.put_nowait(one)

    async def send(request: bytes, due: float) -> None:
        one = await idle.get()
        note(load, await one.ask(request), due)
        idle.put_nowait(one)

    begun, tasks = time.perf_counter(), []
    for number in range(int(per_s * seconds)):
        due = begun + number / per_s
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        if (request := next(source, None)) is not None:
            tasks.append(asyncio.ensure_future(send(request, due)))
    await asyncio.gather(*tasks)
    load.seconds = time.perf_counter() - begun
    for one in made:
        one.transport.close()
    return load
