"""Where callbacks come in: a small HTTP server of its own that verifies, acknowledges and hands over, once each.

It hears its seller in one profile (beckn.wire.profile) and hands on 2.0.0 alone. What was said before is remembered for as long
as it listens: the newer drafts sign an answer over the request's signature, and 1.1 names an order that both sides know.
"""

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
from beckn.client.registry import NetworkError, Registry
from beckn.wire import body, chain, dialect, receipts, signing
from beckn.wire.errors import WireError
from beckn.wire.profile import LTS, Profile

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
class Said:
    """What was said on our side and theirs: our signature of each request, and each peer's contract as last spoken of in a deal."""

    signatures: dict[tuple[str, str], str] = field(default_factory=dict)
    contracts: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def asked(self, action: str, message_id: str, authorization: str) -> None:
        """A request goes out, signed like this."""
        self.signatures[(f"on_{action}", message_id)] = authorization

    def answered_by(self, action: str, message_id: str) -> list[str]:
        """The headers of the request that a callback answers; none when it answers nothing of ours."""
        held = self.signatures.get((action, message_id))
        return [held] if held else []

    def keep(self, peer: str, transaction_id: str, message: dict[str, Any]) -> None:
        """Remember the contract in a message to or from a peer, where it carries a whole one."""
        contract = message.get("contract")
        if isinstance(contract, dict) and contract.get("commitments"):
            self.contracts[(peer, transaction_id)] = contract


@dataclass
class Listener:
    """Listens at `host`:{identity.port} while `listening`; `arrived` grows with each callback that is heard the first time."""

    identity: Identity
    network: Registry
    network_id: str
    host: str = "127.0.0.1"
    profile: Profile = LTS
    said: Said = field(default_factory=Said)
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

    def respond(self, path: str, raw: bytes, authorization: str) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and further headers for a request."""
        try:
            if path == f"{PREFIX}on_subscribe":
                return 200, self.open_challenge(raw), {}
            status, told = 200, self.take(path.removeprefix(PREFIX), raw, authorization)
        except WireError as problem:
            status, told = problem.http_status, self.refusal(problem, raw)
        except NetworkError as problem:
            return 503, json.dumps({"detail": str(problem)}).encode(), {}
        return status, told, self.sealed(told, authorization)

    def refusal(self, problem: WireError, raw: bytes) -> bytes:
        """The NACK in the profile's spelling."""
        signer, form = self.identity.signer, self.profile.receipts
        return receipts.nack(problem, request=raw, message_id="", signer=signer, now=timezone.now(), form=form)

    def sealed(self, receipt: bytes, authorization: str) -> dict[str, str]:
        """The header that signs a receipt where the profile wants it there: over the receipt and what it answers."""
        if not self.profile.is_chained:
            return {}
        try:
            answering = signing.value_of(authorization)
        except WireError:
            return {}  # nothing to chain to: the message carried no signature
        return {"Signature": signing.sign(receipt, self.identity.signer, now=timezone.now(), answering=answering)}

    def open_challenge(self, raw: bytes) -> bytes:
        """The word in a registry's challenge. Whoever sent it learns only what was sealed for our key, which has no other use."""
        word = subscriptions.opened(str(body.parse(raw).get("challenge", "")), [self.identity.opener])
        if word is None:
            raise WireError("SCH_INVALID_FORMAT", "The challenge is not sealed for our key.", "/challenge")
        return json.dumps({"answer": word}).encode()

    def take(self, word: str, raw: bytes, authorization: str) -> bytes:
        """The receipt of a callback; a copy gets the first one again. Raises WireError."""
        action = dialect.action_of(word, "bap")
        if not action:
            raise WireError("NET_NOT_IMPLEMENTED", f"{word[:40]} is not served here.", "/context/action")
        dialect.check_word(word, action, self.profile)
        heard, sender = self.heard(action, raw, authorization)
        key = (sender, action, heard.message_id)
        with self.lock:
            if key not in self.receipts:
                told = self.understood(action, raw, sender, heard.transaction_id)
                receipt = receipts.ack(
                    request=raw,
                    message_id=key[2],
                    signer=self.identity.signer,
                    now=timezone.now(),
                    form=self.profile.receipts,
                )
                self.receipts[key] = (raw, receipt)
                self.arrived.put(
                    Callback(action, sender, key[2], heard.transaction_id, told["message"], told.get("error"))
                )
            first, receipt = self.receipts[key]
        if first != raw:
            raise WireError(
                "CTX_MESSAGE_ID_DUPLICATE",
                "This messageId came with another body.",
                "/context/messageId",
                self.profile.conflict,
            )
        return receipt

    def heard(self, action: str, raw: bytes, authorization: str) -> tuple[dialect.Heard, str]:
        """What a callback says it is, and who signed it. Raises WireError unless its signature and context hold."""
        now = timezone.now()
        signature = signing.parse(authorization)
        signing.check_times(signature, now=now)
        peer = self.network.key(signature.subscriber_id, signature.key_id)
        answered = self.said.answered_by(action, message_id_of(raw)) if self.profile.is_chained else ()
        chain.verify(signature, raw, peer.public_key, profile=self.profile, answered=answered)
        heard = dialect.hear(
            raw,
            profile=self.profile,
            action=action,
            us=self.identity.signer.subscriber_id,
            signer=peer.party,
            network_id=self.network_id,
            now=now,
            role="bap",
            signer_role="bpp",
        )
        return heard, peer.party.subscriber_id

    def understood(self, action: str, raw: bytes, sender: str, transaction_id: str) -> dict[str, Any]:
        """The 2.0.0 form of a callback. Raises WireError."""
        contract = self.said.contracts.get((sender, transaction_id))
        told = dialect.understand(
            raw, profile=self.profile, action=action, network_id=self.network_id, contract=contract
        )
        self.said.keep(sender, transaction_id, told["message"])
        return told


def message_id_of(raw: bytes) -> str:
    """The message id in a body of either Beckn, before anything is known of it; empty when there is none. Raises WireError."""
    head = body.parse(raw).get("context")
    found = (head.get("messageId") or head.get("message_id")) if isinstance(head, dict) else ""
    return str(found or "").lower()


def handler_of(listener: Listener) -> type[BaseHTTPRequestHandler]:
    """The request handler's class, bound to a listener."""

    class Handler(BaseHTTPRequestHandler):
        timeout = SLOWEST_S

        def do_POST(self) -> None:
            """One request."""
            length = self.headers.get("Content-Length") or "0"
            if not length.isdigit() or int(length[:12]) > LARGEST:
                self.answer(413, b"{}", {})
                return
            raw = self.rfile.read(int(length))
            self.answer(*listener.respond(self.path, raw, self.headers.get("Authorization") or ""))

        def answer(self, status: int, told: bytes, headers: dict[str, str]) -> None:
            """Send it."""
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *args: Any) -> None:
            """Say nothing: the command prints the steps."""

    return Handler
