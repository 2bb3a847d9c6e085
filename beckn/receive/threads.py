"""Threads for what waits on a database or a socket, so that the event loop does not; bounded, and full is an answer too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

from beckn.wire.errors import WireError

T = TypeVar("T")
PAUSE_S = 0.05


class Threads:
    """`size` threads, and at most `most` calls in them or waiting for one."""

    def __init__(self, name: str, *, size: int, most: int) -> None:
        self.pool = ThreadPoolExecutor(size, thread_name_prefix=name)
        self.most, self.busy = most, 0

    async def run(self, call: Callable[[], T]) -> T:
        """What `call` returns or raises; its database connection does not outlive it. Raises NET_OVERLOADED when full."""
        if self.busy >= self.most:
            raise WireError("NET_OVERLOADED", "Too much is under way; send again in a moment.", http_status=503)
        self.busy += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self.pool, closing, call)
        finally:
            self.busy -= 1

    async def until_known(self, call: Callable[[], T | None], *, within_s: float) -> T:
        """The first answer of `call` that is not None: while somebody else is at it, ask again. Raises NET_TIMEOUT."""
        end = asyncio.get_running_loop().time() + within_s
        while (found := await self.run(call)) is None:
            if asyncio.get_running_loop().time() > end:
                raise WireError("NET_TIMEOUT", "The first copy of this message is still under way.", http_status=503)
            await asyncio.sleep(PAUSE_S)
        return found


def closing(call: Callable[[], T]) -> T:
    """Call it, and close what it opened."""
    try:
        return call()
    finally:
        connection.close()
