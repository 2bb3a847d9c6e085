"""Where the kit takes callbacks: a small server that keeps every one of them, and fails those it was told to fail."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LARGEST = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Callback:
    """One callback as it came; `at` is Unix seconds."""

    action: str
    headers: Mapping[str, str]
    raw: bytes
    told: dict[str, Any]
    at: float

    def context(self, name: str) -> Any:
        """A member of its context, under any profile's name."""
        found = self.told.get("context")
        return found.get(name) if isinstance(found, dict) else None

    @property
    def message_id(self) -> str:
        """Its message id in either spelling."""
        return str(self.context("messageId") or self.context("message_id") or "")

    @property
    def instant(self) -> datetime:
        """When it came."""
        return datetime.fromtimestamp(self.at, UTC)

    @property
    def transaction_id(self) -> str:
        """Its transaction id in either spelling."""
        return str(self.context("transactionId") or self.context("transaction_id") or "")


class Server(ThreadingHTTPServer):
    """A thread a request. Callbacks to copies sent at once come at once: a short queue would make some wait a second."""

    daemon_threads = True
    request_queue_size = 128


@dataclass
class Listener:
    """`receipt` makes the acknowledgement of a callback; message ids in `fail_once` get a 503 the first time."""

    receipt: Callable[[Callback], bytes]
    host: str = "127.0.0.1"
    port: int = 0
    path: str = "/bap"
    received: list[Callback] = field(default_factory=list)
    fail_once: set[str] = field(default_factory=set)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        """Serve until the end of the block; `port` is the one in use."""
        server = Server((self.host, self.port), self.handler())
        self.port = int(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def of(self, message_id: str) -> list[Callback]:
        """The callbacks with this message id so far."""
        with self.arrived:
            return [one for one in self.received if one.message_id == message_id]

    def within(self, condition: Callable[[Callback], bool], count: int, seconds: float) -> list[Callback]:
        """Wait until `count` callbacks fit the condition, at most `seconds`; returns those that do."""
        end = time.monotonic() + seconds
        with self.arrived:
            while True:
                found = [one for one in self.received if condition(one)]
                left = end - time.monotonic()
                if len(found) >= count or left <= 0:
                    return found
                self.arrived.wait(left)

    def take(self, callback: Callback) -> tuple[int, bytes]:
        """Keep a callback and answer it."""
        with self.arrived:
            self.received.append(callback)
            fails = callback.message_id in self.fail_once
            self.fail_once.discard(callback.message_id)
            self.arrived.notify_all()
        return (503, b"{}") if fails else (200, self.receipt(callback))

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """The request handler's class, bound to this listener."""
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), LARGEST))
                status, answer = listener.take(read(self.path, dict(self.headers.items()), raw))
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        return Handler


def read(path: str, headers: Mapping[str, str], raw: bytes) -> Callback:
    """A post as a callback; a body that is no object is kept with an empty one."""
    try:
        told = json.loads(raw)
    except (ValueError, RecursionError):
        told = {}
    named = {name.lower(): value for name, value in headers.items()}
    return Callback(path.rsplit("/", 1)[-1], named, raw, told if isinstance(told, dict) else {}, time.time())
