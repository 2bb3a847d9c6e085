"""An HTTP server in a thread: it records every post and answers with a signed ACK, or with what a test puts in its place."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.utils import timezone

from beckn.testing.participant import Participant
from beckn.wire import body, receipts
from beckn.wire.errors import WireError


@dataclass(frozen=True, slots=True)
class Received:
    """One request: its path, headers with lower-case names, and raw body."""

    path: str
    headers: Mapping[str, str]
    raw: bytes

    @property
    def told(self) -> dict[str, Any]:
        """The body."""
        return body.parse(self.raw)


Answering = Callable[[Received], tuple[int, bytes]]


@dataclass
class Listener:
    """Where `participant` listens. `received` grows as requests come; `answer` may be replaced, also while it listens.

    GET and POST under /registry/ are answered from `directory`, so that it can also play another installation's registry.
    """

    participant: Participant
    received: list[Received] = field(default_factory=list)
    directory: list[dict[str, str]] = field(default_factory=list)
    answer: Answering | None = None
    base: str = ""

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        """Serve on a free loopback port; the participant's URL becomes that address."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        self.base = f"http://127.0.0.1:{server.server_address[1]}"
        self.participant.url = f"{self.base}/{self.participant.role}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def reply(self, received: Received) -> tuple[int, bytes]:
        """The status and body for a request."""
        if received.path.startswith("/registry/"):
            asked = json.loads(received.raw).get("subscriber_id") if received.raw else None
            return 200, json.dumps([e for e in self.directory if asked in (None, e["subscriber_id"])]).encode()
        self.received.append(received)
        return (self.answer or self.ack)(received)

    def ack(self, received: Received) -> tuple[int, bytes]:
        """The usual answer: stored, and signed back."""
        try:
            message_id = str(received.told["context"]["messageId"])
        except (WireError, KeyError):
            message_id = ""
        signer = self.participant.signer
        return 200, receipts.ack(request=received.raw, message_id=message_id, signer=signer, now=timezone.now())

    def nack(self, received: Received, problem: WireError) -> tuple[int, bytes]:
        """A refusal."""
        signer = self.participant.signer
        receipt = receipts.nack(problem, request=received.raw, message_id="", signer=signer, now=timezone.now())
        return problem.http_status, receipt

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """The request handler's class, bound to this listener."""
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                named = {name.lower(): value for name, value in self.headers.items()}
                status, told = listener.reply(Received(self.path, named, raw))
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            do_GET = do_POST  # noqa: N815 - the server's name for it

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        return Handler
