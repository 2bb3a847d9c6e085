"""Where callbacks come in: a small HTTP server of its own that verifies, acknowledges and hands over, once each."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.utils import timezone

from beckn import subscriptions
from beckn.client.identity import Identity
from beckn.client.network import Network, NetworkError
from beckn.wire import actions, body, context, receipts, schema, signing
from beckn.wire.errors import WireError

LARGEST = 1024 * 1024
SLOWEST_S = 10.0
PREFIX = "/bap/"


@dataclass(frozen=True, slots=True)
class Callback:
    """A verified callback from `sender`."""

    action: str
    sender: str
    message_id: str
    transaction_id: str
    message: dict[str, Any]
    error: dict[str, Any] | None


@dataclass
class Listener:
    """Listens at `host`:{identity.port} while `listening`; `arrived` grows with each callback that is heard the first time."""

    identity: Identity
    network: Network
    network_id: str
    host: str = "127.0.0.1"
    arrived: queue.Queue[Callback] = field(default_factory=queue.Queue)
    receipts: dict[tuple[str, str, str], tuple[bytes, bytes]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        """Serve. Raises OSError when the port is taken."""
        server = ThreadingHTTPServer((self.host, self.identity.port), handler_of(self))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def respond(self, path: str, raw: bytes, authorization: str) -> tuple[int, bytes]:
        """Status and body for a request."""
        try:
            if path == f"{PREFIX}on_subscribe":
                return 200, self.open_challenge(raw)
            return 200, self.take(path.removeprefix(PREFIX), raw, authorization)
        except WireError as problem:
            now, signer = timezone.now(), self.identity.signer
            return problem.http_status, receipts.nack(problem, request=raw, message_id="", signer=signer, now=now)
        except NetworkError as problem:
            return 503, json.dumps({"detail": str(problem)}).encode()

    def open_challenge(self, raw: bytes) -> bytes:
        """The word in a registry's challenge. Whoever sent it learns only what was sealed for our key, which has no other use."""
        word = subscriptions.opened(str(body.parse(raw).get("challenge", "")), [self.identity.opener])
        if word is None:
            raise WireError("SCH_INVALID_FORMAT", "The challenge is not sealed for our key.", "/challenge")
        return json.dumps({"answer": word}).encode()

    def take(self, action: str, raw: bytes, authorization: str) -> bytes:
        """The receipt of a callback; a copy gets the first one again. Raises WireError."""
        if actions.known(action, "bap") is None:
            raise WireError("NET_NOT_IMPLEMENTED", f"{action[:40]} is not served here.", "/context/action")
        now = timezone.now()
        signature = signing.parse(authorization)
        signing.check_times(signature, now=now)
        peer = self.network.key(signature.subscriber_id, signature.key_id)
        signing.verify(signature, raw, peer.public_key)
        told = body.parse(raw)
        us = self.identity.signer
        context.check(
            told.get("context"),
            action=action,
            us=us.subscriber_id,
            signer=peer.party,
            network_id=self.network_id,
            now=now,
        )
        schema.validate(told)
        head = told["context"]
        key = (peer.party.subscriber_id, action, head["messageId"].lower())
        with self.lock:
            if key not in self.receipts:
                receipt = receipts.ack(request=raw, message_id=key[2], signer=us, now=now)
                self.receipts[key] = (raw, receipt)
                self.arrived.put(
                    Callback(action, key[0], key[2], head["transactionId"], told["message"], told.get("error"))
                )
            first, receipt = self.receipts[key]
        if first != raw:
            raise WireError("CTX_MESSAGE_ID_DUPLICATE", "This messageId came with another body.", "/context/messageId")
        return receipt


def handler_of(listener: Listener) -> type[BaseHTTPRequestHandler]:
    """The request handler's class, bound to a listener."""

    class Handler(BaseHTTPRequestHandler):
        timeout = SLOWEST_S

        def do_POST(self) -> None:
            """One request."""
            length = self.headers.get("Content-Length") or "0"
            if not length.isdigit() or int(length[:12]) > LARGEST:
                self.answer(413, b"{}")
                return
            raw = self.rfile.read(int(length))
            self.answer(*listener.respond(self.path, raw, self.headers.get("Authorization") or ""))

        def answer(self, status: int, told: bytes) -> None:
            """Send it."""
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *args: Any) -> None:
            """Say nothing: the command prints the steps."""

    return Handler
