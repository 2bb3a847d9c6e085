"""A participant of a few lines that keeps every rule, and can be told to break one. It shares no code with the kit's."""

from __future__ import annotations

import hashlib
import http.client
import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from beckn.conformance import Identity
from beckn.wire import body, context, schema, signing
from beckn.wire.context import Party
from beckn.wire.errors import WireError
from beckn.wire.signing import Signature, Signer

LIMIT = 1024 * 1024
NETWORK = "caco.example/flex-dev"
SHOP = {"shop", "sells twice", "confirms nothing", "a callback for each confirm"}  # these have something on sale
CATALOGUE = {
    "id": "catalogue-1",
    "descriptor": {"name": "Turn-down"},
    "provider": {"id": "provider-1", "descriptor": {"name": "A data centre"}},
    "resources": [{"id": "r1", "descriptor": {"name": "A site"}}],
    "offers": [{"id": "o1", "descriptor": {"name": "An evening"}, "resourceIds": ["r1"]}],
}


class Fake:
    """A seller (bpp) or buyer (bap). `fault` names the one thing it does wrong; empty for none."""

    def __init__(self, fault: str = "", role: str = "bpp") -> None:
        self.fault, self.role = fault, role
        self.signer = Signer.of(f"fake-{role}.example", "fake-1", b"\x07" * 32)
        self.known: dict[tuple[str, str], tuple[Identity, bool]] = {}
        self.taken: dict[str, tuple[str, bytes]] = {}
        self.lock = threading.Lock()
        self.url = ""
        self.slept = False
        self.calls: list[threading.Thread] = []

    def know(self, one: Identity, *, revoked: bool = False) -> None:
        """Register somebody."""
        self.known[one.subscriber_id, one.key_id] = one, revoked

    @contextmanager
    def serving(self) -> Iterator[Fake]:
        """On a free loopback port."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler(self))
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_address[1]}/beckn/{self.role}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
            for call in self.calls:
                call.join()

    def respond(self, method: str, path: str, headers: list[tuple[str, str]], raw: bytes | None) -> Answer:
        """Status, headers and body."""
        if self.fault == "slow once" and not self.slept and raw:
            self.slept = True
            time.sleep(2.3)
        action = path.rpartition("/")[2]
        if action not in ("discover", "on_discover", "select", "init", "confirm"):
            return 404, {}, b"{}"
        if method != "POST" and self.fault != "answers GET":
            return 405, {"Allow": "POST"}, b"{}"
        named = [value for name, value in headers if name.lower() == "authorization"]
        if len(named) > 1 and self.fault != "two headers":
            return self.refuse(WireError("AUT_SIGNATURE_INVALID", "Two headers."), raw or b"")
        try:
            return self.take(action, {name.lower(): value for name, value in headers}, named, raw)
        except WireError as problem:
            return self.refuse(problem, raw or b"")

    def take(self, action: str, headers: dict[str, str], named: list[str], raw: bytes | None) -> Answer:
        """A receipt, or WireError."""
        if raw is None:
            raise WireError("SCH_INVALID_FORMAT", "Too long.", http_status=413)
        if headers.get("content-type", "").partition(";")[0] != "application/json" and self.fault != "any type":
            raise WireError("SCH_INVALID_FORMAT", "Not JSON.", http_status=415)
        if self.fault != "needs no signature" or named:
            signer = self.signed_by(named[0] if named else "", raw)
        else:
            signer = next(iter(self.known.values()))[0]
        told = self.parsed(raw)
        try:
            self.check(told, action, signer)
        except WireError:
            if self.fault == "answers what it refuses":
                self.call_back(told)
            raise
        return self.store(told, raw)

    def signed_by(self, header: str, raw: bytes) -> Identity:
        """Whoever signed."""
        found, lines, label = self.read(header)
        self.check_times(found)
        record = self.known.get((found.subscriber_id, found.key_id))
        theirs = [one for (owner, _), one in self.known.items() if owner == found.subscriber_id]
        if record is None and self.fault == "any key of the subscriber" and theirs:
            return theirs[0][0]
        if record is None:
            raise WireError("AUT_KEY_NOT_FOUND" if theirs else "AUT_SUBSCRIBER_NOT_FOUND", "Unknown.")
        if record[1] and self.fault != "revoked keys":
            raise WireError("AUT_KEY_EXPIRED_OR_REVOKED", "Revoked.")
        text = f"(created): {found.created}\n(expires): {found.expires}"
        if lines != "(created) (expires)":
            made = hashlib.sha256(raw).digest() if label == "SHA-256" else hashlib.blake2b(raw, digest_size=64).digest()
            text += f"\ndigest: {label}={signing.base64.b64encode(made).decode()}"
        right = signing.holds(found.value, text, record[0].public_key)
        if self.fault == "other digests" and not right:
            foreign = signing.base64.b64encode(hashlib.sha256(raw).digest()).decode()
            times = f"(created): {found.created}\n(expires): {found.expires}"
            right = signing.holds(found.value, f"{times}\ndigest: SHA-256={foreign}", record[0].public_key)
        if not right and self.fault != "verifies nothing":
            raise WireError("AUT_SIGNATURE_INVALID", "It does not fit.")
        return record[0]

    def read(self, header: str) -> tuple[Signature, str, str]:
        """The parsed header, with what a sloppy reader lets the sender choose."""
        if self.fault == "digest left out":
            loose = header.replace('headers="(created) (expires)"', f'headers="{signing.LINES}"')
            return signing.parse(loose), "(created) (expires)" if loose != header else signing.LINES, "BLAKE-512"
        if self.fault == "parameters twice" and header.count("created=") == 2:
            start = header.index(",created=")
            header = header[:start] + header[header.index(",", start + 1) :]
        if self.fault == "any algorithm":
            header = header.replace("rsa-sha256", "ed25519")
        return signing.parse(header), signing.LINES, "BLAKE-512"

    def check_times(self, found: Signature) -> None:
        """In force."""
        now = time.time()
        if now > found.expires and self.fault != "stale signatures":
            raise WireError("AUT_SIGNATURE_INVALID", "Expired.")
        most = {"no patience with clocks": 0.5, "signatures from the future": 1e9}.get(self.fault, 5)
        if found.created > now + most:
            raise WireError("AUT_SIGNATURE_INVALID", "From the future.")

    def parsed(self, raw: bytes) -> dict[str, Any]:
        """The body."""
        sloppy = {
            "NaN": b"NaN",
            "overflow": b"1e400",
            "surrogates": b"\\ud800",
            "duplicate members": b'"message":{"intent":{}},"message"',
        }
        mark = sloppy.get(self.fault)
        if mark and mark in raw.replace(b" ", b""):
            return json.loads(raw)
        try:
            return body.parse(raw)
        except WireError as problem:
            if self.fault == "breaks on junk":
                raise RuntimeError("junk") from problem
            if self.fault == "takes malformed JSON":
                return {}
            raise

    def check(self, told: dict[str, Any], action: str, signer: Identity) -> None:
        """Context and shape, with the one check left out."""
        if not told and self.fault == "takes malformed JSON":
            return
        given = dict(told.get("context") or {}) if isinstance(told.get("context"), dict) else None
        now = datetime.now(UTC)
        if given is not None:
            mine = {
                f"{self.role}Id": self.signer.subscriber_id,
                f"{'bap' if self.role == 'bpp' else 'bpp'}Id": signer.subscriber_id,
            }
            corrected = {
                "any action": {"action": action},
                "any version": {"version": "2.0.0"},
                "any id": {"messageId": str(uuid.uuid4())},
                "any receiver": {f"{self.role}Id": mine[f"{self.role}Id"]},
                "any identity": mine,
                "any network": {"networkId": NETWORK},
                "any callback address": {"bapUri": signer.url},
                "any age": {"ttl": "PT1H"},
            }.get(self.fault, {})
            given.update({name: value for name, value in corrected.items() if name in given})
            if (
                self.fault == "from the future"
                and datetime.fromisoformat(given.get("timestamp", now.isoformat())) > now
            ):
                given["timestamp"] = now.isoformat()
        context.check(
            given if given is not None else told.get("context"),
            action=action,
            us=self.signer.subscriber_id,
            signer=Party(signer.subscriber_id, signer.url),
            network_id=NETWORK,
            now=now,
        )
        if self.fault != "any shape":
            message = dict(told["message"]) if isinstance(told.get("message"), dict) else told.get("message")
            if self.fault == "unknown members" and isinstance(message, dict):
                message.pop("surprise", None)
            schema.validate({**told, "context": given, "message": message})

    def store(self, told: dict[str, Any], raw: bytes) -> Answer:
        """Once, with its receipt."""
        named = str((told.get("context") or {}).get("messageId", ""))
        digest = hashlib.sha256(raw).hexdigest()
        with self.lock:
            first = named not in self.taken
            if first:
                self.taken[named] = digest, self.receipt({"status": "ACK"}, raw, named)
            held, receipt = self.taken[named]
        if held != digest and self.fault != "same id for anything":
            raise WireError(
                "CTX_MESSAGE_ID_DUPLICATE", "Used.", http_status=409 if self.fault == "409 for conflicts" else 400
            )
        if self.fault == "new receipts":
            receipt = self.receipt({"status": "ACK", "n": uuid.uuid4().hex}, raw, named)
        repeats = self.fault == ("a callback for each confirm" if b'"confirm"' in raw else "a callback for each copy")
        if (first or repeats) and self.role == "bpp" and told:
            self.call_back(told)
        return 200, {}, receipt

    def receipt(self, told: dict[str, Any], raw: bytes, named: str) -> bytes:
        """A signed receipt."""
        if self.fault == "other receipts" and told["status"] == "ACK":
            told = {"ok": True}
        if self.fault == "other refusals" and told.get("status") == "NACK":
            told = {"status": "NACK", "reason": "no"}
        created = int(time.time())
        about = f"\n(request-digest): {signing.digest(raw)}\n(message-id): {named}"
        if self.fault == "receipt signs no request":
            about = ""
        text = signing.signing_string(body.dump(told), created, created + 300) + about
        value = self.signer.secret.sign(text.encode()).signature
        if self.fault == "unsigned receipts":
            return body.dump(told | {"signature": ""})
        return body.dump(told | {"signature": signing.header(self.signer, created, created + 300, value)})

    def refuse(self, problem: WireError, raw: bytes) -> Answer:
        """A NACK."""
        words = "No." if self.fault == "no pointers" else f"{problem.path} {problem.message}"
        told = {"status": "NACK", "error": {"errorCode": problem.code, "errorMessage": words}}
        try:
            named = str(json.loads(raw)["context"]["messageId"])
        except (ValueError, KeyError, TypeError, RecursionError):
            named = ""
        headers = {"WWW-Authenticate": f'Signature realm="fake",headers="{signing.LINES}"'}
        if problem.http_status != 401 or self.fault == "no challenge":
            headers = {}
        status = 200 if self.fault == "200 for refusals" else problem.http_status
        return status, headers, self.receipt(told, raw, named)

    def call_back(self, told: dict[str, Any]) -> None:
        """Later, in a thread."""
        if self.fault != "no callbacks" and isinstance(told.get("context"), dict):
            thread = threading.Thread(target=self.deliver, args=(told["context"], told.get("message")))
            self.calls.append(thread)
            thread.start()

    def deliver(self, asked: dict[str, Any], message: Any) -> None:
        """The callback, and once more if it was not taken."""
        try:
            raw = self.callback(asked, message)
        except (KeyError, ValueError):
            return
        for _ in range(1 if self.fault == "no second attempt" else 2):
            when = datetime.now(UTC) - timedelta(hours=1 if self.fault == "stale callbacks" else 0)
            signer = (
                Signer.of(self.signer.subscriber_id, "fake-1", b"\x08" * 32)
                if self.fault == "wrongly signed callbacks"
                else self.signer
            )
            header = "" if self.fault == "unsigned callbacks" else signing.sign(raw, signer, now=when)
            status = post(f"{asked['bapUri']}/on_{asked['action']}", raw, header)
            if status == 200 and self.fault != "repeats callbacks":
                return
            time.sleep(0.05)
            if self.fault == "new bytes at each attempt":
                raw = self.callback(asked, message)

    def callback(self, asked: dict[str, Any], message: Any) -> bytes:
        """What is on sale, or the contract that was asked for."""
        told = asked | {"action": f"on_{asked['action']}", "bppId": self.signer.subscriber_id, "bppUri": self.url}
        told["timestamp"] = datetime.now(UTC).isoformat()
        if self.fault == "callbacks with new message ids":
            told["messageId"] = str(uuid.uuid4())
        if self.fault == "callbacks with new transactions":
            told["transactionId"] = str(uuid.uuid4())
        if self.fault == "callbacks to nobody":
            told["bapId"] = "somebody-else.example"
        if asked["action"] != "discover":
            return body.dump({"context": told, "message": {"contract": self.contract(asked, message["contract"])}})
        catalogs: Any = "none" if self.fault == "invalid callbacks" else [CATALOGUE] if self.fault in SHOP else []
        return body.dump({"context": told, "message": {"catalogs": catalogs}})

    def contract(self, asked: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
        """The contract after this step; a transaction has one id, unless that is the fault."""
        named = str(uuid.uuid4()) if self.fault == "sells twice" else asked["transactionId"]
        code = "ACTIVE" if asked["action"] == "confirm" and self.fault != "confirms nothing" else "DRAFT"
        return wanted | {"id": named, "status": {"code": code}}


Answer = tuple[int, dict[str, str], bytes]


def post(url: str, raw: bytes, header: str) -> int:
    """The status a post is answered with; 0 when it is not."""
    target = urlsplit(url)
    connection = http.client.HTTPConnection(target.netloc, timeout=5)
    try:
        headers = {"Content-Type": "application/json"} | ({"Authorization": header} if header else {})
        connection.request("POST", target.path, raw, headers)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def handler(fake: Fake) -> type[BaseHTTPRequestHandler]:
    """The request handler's class, bound to a fake."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            raw: bytes | None = None
            if length <= LIMIT or fake.fault == "no limit":
                raw = self.rfile.read(length)
            try:
                status, headers, told = fake.respond(self.command, self.path, list(self.headers.items()), raw)
            except Exception:  # noqa: BLE001 - the fault under test
                status, headers, told = 500, {}, b"{}"
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            kind = "text/html" if fake.fault == "receipts as HTML" else "application/json"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(told)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(told)
            self.close_connection = True

        do_GET = do_POST

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    return Handler
