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

from nacl.signing import SigningKey

from beckn.conformance import Identity
from beckn.wire import body, context, schema, signing
from beckn.wire.context import Party
from beckn.wire.errors import WireError
from beckn.wire.signing import Signature, Signer
from beckn.wire.v1 import context as v1_context
from beckn.wire.v1 import shape as v1_shape
from tests.unit.beckn.conformance import voice
from tests.unit.beckn.conformance.shop import Shop

LIMIT = 1024 * 1024
NETWORK = "caco.example/flex-dev"
ACTIONS = ("discover", "on_discover", "select", "init", "confirm")
STRANGER = Identity("stranger.example", "stranger-1", SigningKey(b"\x09" * 32), "http://127.0.0.1:9/bap")


class Fake:
    """A seller (bpp) or buyer (bap). `fault` names the one thing it does wrong; empty for none. `sells`: it has an offer."""

    def __init__(self, fault: str = "", role: str = "bpp", *, profile: str = "lts", sells: bool = False) -> None:
        self.fault, self.role, self.profile = fault, role, profile
        self.shop = Shop(fault) if sells else None
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
        server = Server(("127.0.0.1", 0), handler(self))
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
        spoken = path.rpartition("/")[2]
        action = next((one for one in ACTIONS if voice.word(self.profile, one) == spoken), "")
        if not action and self.fault == "any path":
            action = "discover" if self.role == "bpp" else "on_discover"
        if not action:
            return 404, {}, b"{}"
        if method != "POST" and self.fault != "answers GET":
            return 405, {"Allow": "POST"}, b"{}"
        named = [value for name, value in headers if name.lower() == "authorization"]
        authorization = named[0] if named else ""
        try:
            if len(named) > 1 and self.fault != "two headers":
                raise WireError("AUT_SIGNATURE_INVALID", "Two headers.")
            answer = self.take(action, {name.lower(): value for name, value in headers}, named, raw)
        except WireError as problem:
            answer = self.refuse(problem, raw or b"")
        status, told, written = answer
        sealed = voice.seal(written, authorization, self.signer, self.fault) if self.profile == "onix" else {}
        return status, told | sealed, written

    def take(self, action: str, headers: dict[str, str], named: list[str], raw: bytes | None) -> Answer:
        """A receipt, or WireError."""
        if raw is None:
            raise WireError("SCH_INVALID_FORMAT", "Too long.", http_status=413)
        kind = headers.get("content-type", "")
        kind = kind if self.fault == "one content type" else kind.partition(";")[0]
        if kind != "application/json" and self.fault != "any type":
            raise WireError("SCH_INVALID_FORMAT", "Not JSON.", http_status=415)
        authorization = named[0] if named else ""
        if self.fault == "bearer tokens" and authorization.startswith("Bearer "):
            return 200, {}, self.receipt(raw, "")
        if self.fault != "needs no signature" or named:
            signer = self.signed_by(authorization, raw)
        else:
            signer = next(iter(self.known.values()))[0]
        told = self.parsed(raw)
        try:
            self.check(told, action, signer)
        except WireError:
            if self.fault == "answers what it refuses":
                self.call_back(told, authorization)
            raise
        return self.store(told, raw, authorization)

    def signed_by(self, header: str, raw: bytes) -> Identity:
        """Whoever signed."""
        found, lines, label = self.read(header)
        self.check_times(found)
        record = self.known.get((found.subscriber_id, found.key_id))
        theirs = [one for (owner, _), one in self.known.items() if owner == found.subscriber_id]
        if record is None and self.fault == "any key of the subscriber" and theirs:
            return theirs[0][0]
        if record is None and self.fault == "strangers" and not theirs:
            return STRANGER
        if record is None:
            raise WireError("AUT_KEY_NOT_FOUND" if theirs else "AUT_SUBSCRIBER_NOT_FOUND", "Unknown.")
        if record[1] and self.fault != "revoked keys":
            raise WireError("AUT_KEY_EXPIRED_OR_REVOKED", "Revoked.")
        if self.fault == "digests what it has parsed":
            raw = rewritten(raw)
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
        found = signing.parse(header)
        if self.fault == "one spelling of the header" and not found.is_exact:
            raise WireError("AUT_SIGNATURE_INVALID", "Spelt otherwise.")
        return found, signing.LINES, "BLAKE-512"

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
        if self.fault == "ASCII only" and not raw.isascii():
            raise WireError("SCH_INVALID_JSON", "Not ASCII.")
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
        if self.fault == "needs no context" and "context" not in told:
            return
        given = told.get("context")
        if isinstance(given, dict):
            given = self.corrected(dict(given), action, signer)
        check = v1_context.check if self.profile == "v1" else context.check
        check(
            given,
            action=action,
            us=self.signer.subscriber_id,
            signer=Party(signer.subscriber_id, signer.url),
            network_id=NETWORK,
            now=datetime.now(UTC),
        )
        if self.fault == "any shape":
            return
        message = dict(told["message"]) if isinstance(told.get("message"), dict) else told.get("message")
        if self.fault == "unknown members" and isinstance(message, dict):
            message.pop("surprise", None)
        (v1_shape if self.profile == "v1" else schema).validate({**told, "context": given, "message": message})

    def corrected(self, given: dict[str, Any], action: str, signer: Identity) -> dict[str, Any]:
        """The context as whoever has the fault reads it: what is not looked at is put right."""
        now = datetime.now(UTC).isoformat()
        mine, other = f"{self.role}Id", f"{'bap' if self.role == 'bpp' else 'bpp'}Id"
        here = voice.word(self.profile, action)
        right = {
            "any action": {"action": here},
            "any version": {"version": "1.1.1" if self.profile == "v1" else "2.0.0"},
            "any id": {"messageId": str(uuid.uuid4())},
            "any receiver": {mine: self.signer.subscriber_id},
            "any identity": {mine: self.signer.subscriber_id, other: signer.subscriber_id},
            "any network": {"networkId": NETWORK},
            "any callback address": {"bapUri": signer.url},
            "any age": {"ttl": "PT1H"},
            "strangers": {"bapUri": signer.url, other: signer.subscriber_id} if signer is STRANGER else {},
        }.get(self.fault, {})
        named = {voice.name(self.profile, member): value for member, value in right.items()}
        given.update({member: value for member, value in named.items() if member in given})
        absent = {
            "needs no action": ("action", here),
            "needs no version": ("version", "1.1.1" if self.profile == "v1" else "2.0.0"),
            "needs no message id": ("messageId", str(uuid.uuid4())),
            "needs no transaction id": ("transactionId", str(uuid.uuid4())),
            "needs no time": ("timestamp", now),
        }.get(self.fault)
        if absent:
            given.setdefault(voice.name(self.profile, absent[0]), absent[1])
        if self.fault == "from the future" and given.get("timestamp", now) > now:
            given["timestamp"] = now
        return self.respelt(given, here)

    def respelt(self, given: dict[str, Any], here: str) -> dict[str, Any]:
        """A context of the other Beckn as one of ours, for whoever takes both."""
        names, ours, theirs = voice.CAMEL_NAMES, "2.0.0", "1.1.1"
        if self.profile == "v1":
            names, ours, theirs = voice.V1_NAMES, theirs, ours
        taken = {"takes the other Beckn": theirs, "takes the other spelling": ours}.get(self.fault)
        if given.get("version") != taken or not names.keys() & given.keys():
            return given
        told = {names.get(member, member): value for member, value in given.items()}
        return told | {"action": here, "version": ours, "networkId": NETWORK}

    def store(self, told: dict[str, Any], raw: bytes, authorization: str) -> Answer:
        """Once, with its receipt."""
        named = str((told.get("context") or {}).get(voice.name(self.profile, "messageId"), ""))
        digest = hashlib.sha256(raw).hexdigest()
        with self.lock:
            first = named not in self.taken
            if first:
                self.taken[named] = digest, self.receipt(raw, named)
            held, receipt = self.taken[named]
        if held != digest and self.fault != "same id for anything":
            usual, unusual = (409, 400) if self.profile == "onix" else (400, 409)
            code = "CTX_INVALID_FIELD" if self.fault == "another code for conflicts" else "CTX_MESSAGE_ID_DUPLICATE"
            status = unusual if self.fault == "another status for conflicts" else usual
            raise WireError(code, "Used.", http_status=status)
        if self.fault == "copies are conflicts" and not first:
            raise WireError("CTX_MESSAGE_ID_DUPLICATE", "Used.", http_status=409)
        if self.fault == "new receipts":
            receipt = self.receipt(raw, named, n=uuid.uuid4().hex)
        repeats = self.fault == ("a callback for each confirm" if b'"confirm"' in raw else "a callback for each copy")
        if (first or repeats) and self.role == "bpp" and told:
            self.call_back(told, authorization)
        return 202 if self.fault == "202 for 200" else 200, {}, receipt

    def receipt(self, raw: bytes, named: str, problem: WireError | None = None, **more: Any) -> bytes:
        """A receipt as it is sent; with a signature inside where the profile has it there."""
        told = voice.receipt(self.profile, self.fault, named, problem, **more)
        if self.fault == "other receipts" and problem is None:
            told = {"ok": True}
        if self.fault == "NACK with 200" and problem is None:
            told = voice.receipt(self.profile, self.fault, named, WireError("BIZ_GENERIC_ERROR", "No."))
        if self.fault == "other refusals" and problem:
            told = {"status": "NACK", "reason": "no"}
        inside = self.profile == "lts" or self.fault in ("LTS receipts", "receipts signed inside")
        return voice.countersigned(told, raw, named, self.signer, self.fault) if inside else body.dump(told)

    def refuse(self, problem: WireError, raw: bytes) -> Answer:
        """A NACK."""
        try:
            named = str(json.loads(raw)["context"][voice.name(self.profile, "messageId")])
        except (ValueError, KeyError, TypeError, RecursionError):
            named = ""
        headers = {"WWW-Authenticate": f'Signature realm="fake",headers="{signing.LINES}"'}
        if problem.http_status != 401 or self.fault == "no challenge":
            headers = {}
        if self.fault == "a challenge without lines" and headers:
            headers = {"WWW-Authenticate": 'Signature realm="fake"'}
        return problem.http_status, headers, self.receipt(raw, named, problem)

    def call_back(self, told: dict[str, Any], authorization: str) -> None:
        """Later, in a thread."""
        if self.fault != "no callbacks" and isinstance(told.get("context"), dict):
            thread = threading.Thread(target=self.deliver, args=(told["context"], told.get("message"), authorization))
            self.calls.append(thread)
            thread.start()

    def deliver(self, asked: dict[str, Any], message: Any, authorization: str) -> None:
        """The callback, and once more if it was not taken."""
        try:
            raw = self.callback(asked, message)
            address = f"{asked[voice.name(self.profile, 'bapUri')]}/on_{asked['action']}"
        except (KeyError, ValueError):
            return
        if not raw:
            return
        for _ in range(1 if self.fault == "no second attempt" else 2):
            when = datetime.now(UTC) - timedelta(hours=1 if self.fault == "stale callbacks" else 0)
            secret = voice.FORGER.secret if self.fault == "wrongly signed callbacks" else self.signer.secret
            signer = Signer(self.signer.subscriber_id, self.signer.key_id, secret)
            chain = voice.chain(self.profile, self.fault, authorization)
            header = "" if self.fault == "unsigned callbacks" else signing.sign(raw, signer, now=when, answering=chain)
            status = post(address, raw, header)
            if status == 200 and self.fault != "repeats callbacks":
                return
            time.sleep(0.05)
            if self.fault == "new bytes at each attempt":
                raw = self.callback(asked, message)

    def callback(self, asked: dict[str, Any], message: Any) -> bytes:
        """What is on sale, or what came of a step of a deal; empty when nothing is said."""
        told = voice.addressed(self.profile, self.fault, asked, self.signer, self.url)
        if asked["action"] == voice.word(self.profile, "discover"):
            catalogs = self.shop.catalogs if self.shop else []
            return body.dump({"context": told, "message": voice.on_sale(self.profile, self.fault, catalogs)})
        if self.shop is None or self.shop.is_silent(asked["action"], asked["transactionId"]):
            return b""
        answer = self.shop.answer(asked["action"], asked["transactionId"], message["contract"])
        return body.dump({"context": told, **answer})


Answer = tuple[int, dict[str, str], bytes]


def rewritten(raw: bytes) -> bytes:
    """The bytes of a body as somebody writes them who has parsed it and forgotten how it was sent."""
    try:
        return body.dump(body.parse(raw))
    except WireError:
        return raw


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


class Server(ThreadingHTTPServer):
    """A thread a request, and room for all that come at once."""

    daemon_threads = True
    request_queue_size = 128


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
