"""One request at a time over a plain socket, as spoilt as it is meant to be, and its answer with the time it took.

No HTTP library stands between: chunked bodies, headers that stand twice and bodies nobody would send go out as they are.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Any

from benchmarks.beckn_fuzz_cases import JSON, LARGEST, Envelope, Message, Shot, Spoiler, own_messages

GIVE_UP_S = 15.0
CHUNK = 4096
NO_MESSAGE = frozenset({400, 404, 405})
AT_ONCE = (
    "ds/catalog/subscription",
    "ds/catalog/pull",
    "ds/catalog/master/search",
)  # behind WSGI: one header of a kind is seen
OK, TYPE, LARGE, SIGNATURE = frozenset({200}), frozenset({415}), frozenset({413}), frozenset({401})
TYPED = {
    "charset": "application/json; charset=UTF-8",
    "text": "text/plain",
    "latin": "application/json; charset=latin-1",
    "form": "multipart/form-data; boundary=x",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A status (0: there was no answer), the body, headers with lower-case names, and seconds from first byte to last."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    seconds: float


class Client:
    """A keep-alive connection that is opened again when the server closes it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket: socket.socket | None = None

    def fire(self, shot: Shot, authorization: str) -> Answer:
        """Send, and read the answer. A server may answer before it has read a body that is too long."""
        request = written(shot, authorization, self.port)
        fresh = self.socket is None
        begun = time.perf_counter()
        found = self.exchange(request, shot.method)
        if found is None and not fresh:  # the connection was over before we wrote: that is no answer to this request
            self.close()
            begun = time.perf_counter()
            found = self.exchange(request, shot.method)
        seconds = time.perf_counter() - begun
        if found is None:
            self.close()
            return Answer(0, b"", {}, seconds)
        return Answer(*found, seconds)

    def exchange(self, request: bytes, method: str) -> tuple[int, bytes, Mapping[str, str]] | None:
        """Status, body and headers; None when nothing came."""
        try:
            if self.socket is None:
                self.socket = socket.create_connection(("127.0.0.1", self.port), GIVE_UP_S)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.socket.sendall(request)
            response = HTTPResponse(self.socket, method=method)
            response.begin()
            body = response.read()
        except (OSError, HTTPException):
            return None
        if response.will_close:
            self.close()
        return response.status, body, {name.lower(): value for name, value in response.getheaders()}

    def close(self) -> None:
        """Hang up."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None


def written(shot: Shot, authorization: str, port: int) -> bytes:
    """The request's bytes."""
    lines = [f"{shot.method} /beckn/{shot.path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    lines += [f"{name}: {value}" for name, value in shot.headers]
    if authorization:
        lines.append(f"Authorization: {authorization}")
    lines.append("Transfer-Encoding: chunked" if shot.chunked else f"Content-Length: {len(shot.raw)}")
    head = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
    return head + (chunks(shot.raw) if shot.chunked else shot.raw)


def chunks(raw: bytes) -> bytes:
    """A body in chunks."""
    parts = [raw[at : at + CHUNK] for at in range(0, len(raw), CHUNK)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def shots(envelope: Envelope, chance: random.Random, count: int) -> Iterator[Shot]:
    """Valid, signed messages in requests that are not as they should be, or are so in an unusual way."""
    messages = own_messages()
    for number in range(count):
        message = chance.choice(messages)
        yield spoilt(envelope, message, number % len(WAYS), chance)


WAYS = [
    "as it is",
    "chunked",
    "charset",
    "large",
    "too large",
    "too large, chunked",
    "text",
    "no type",
    "latin",
    "form",
]
WAYS += [
    "twice typed",
    "zipped",
    "get",
    "put",
    "head",
    "no such action",
    "other role",
    "long path",
    "odd path",
    "two heads",
]
WAYS += ["no signature", "garbled signature", "endless signature", "many headers", "copy of the type", "trailing slash"]


def spoilt(envelope: Envelope, message: Message, number: int, chance: random.Random) -> Shot:
    """One of WAYS to send a message."""
    way, raw = WAYS[number], dumped(envelope, message)
    told: dict[str, Any] = {
        "name": f"{way}: {message.name}",
        "source": "http",
        "peer": message.peer,
        "path": message.path,
        "raw": raw,
    }
    if way in TYPED:
        told["headers"], told["expects"] = (("Content-Type", TYPED[way]),), OK if way == "charset" else TYPE
    if way in ("twice typed", "copy of the type") and message.path in AT_ONCE:
        way = "as it is"
    changed = about_body(way, raw) or about_headers(way) or about_address(way, message, chance)
    return Shot(**(told | changed))


def about_body(way: str, raw: bytes) -> dict[str, Any]:
    """What differs where the body does."""
    ways: dict[str, dict[str, Any]] = {
        "as it is": {"expects": OK},
        "chunked": {"chunked": True, "expects": OK},
        "large": {"raw": padded(raw, LARGEST), "expects": OK},
        "too large": {"raw": padded(raw, LARGEST + 1), "expects": LARGE},
        "too large, chunked": {"raw": padded(raw, 4 * LARGEST), "chunked": True, "expects": LARGE},
    }
    return ways.get(way, {})


def about_headers(way: str) -> dict[str, Any]:
    """What differs where a header does."""
    garbled = ("Authorization", 'Signature keyId="\x80|\xff|",')
    endless = ("Authorization", "Signature " + 'a="b",' * 4000)
    ways: dict[str, dict[str, Any]] = {
        "no type": {"headers": (), "expects": TYPE},
        "twice typed": {"headers": JSON + JSON, "expects": frozenset({400, 415})},
        "copy of the type": {"headers": (*JSON, ("content-type", "text/plain")), "expects": frozenset({400, 415})},
        "zipped": {"headers": (*JSON, ("Content-Encoding", "gzip")), "expects": TYPE},
        "two heads": {"headers": (*JSON, ("Authorization", "Signature x")), "expects": SIGNATURE},
        "no signature": {"unsigned": True, "expects": SIGNATURE},
        "garbled signature": {"headers": (*JSON, garbled), "unsigned": True, "expects": SIGNATURE},
        "endless signature": {"headers": (*JSON, endless), "unsigned": True, "expects": SIGNATURE},
        "many headers": {"headers": JSON + tuple((f"X-{one}", "x" * 50) for one in range(200)), "expects": OK},
    }
    return ways.get(way, {})


def about_address(way: str, message: Message, chance: random.Random) -> dict[str, Any]:
    """What differs where the method or the path does."""
    path, role = message.path, message.role
    ends = ("%00", "%ff", "%2e%2e/", "?a=%ff", "//", ";x=1")
    ways: dict[str, dict[str, Any]] = {
        "get": {"method": "GET"},
        "put": {"method": "PUT"},
        "head": {"method": "HEAD", "raw": b""},
        "no such action": {"path": f"{role}/purchase"},
        "other role": {"path": f"{'bap' if role != 'bap' else 'bpp'}/{message.action}"},
        "long path": {"path": path + "/x" * chance.choice((30, 3000))},
        "odd path": {"path": path + chance.choice(ends)},
        "trailing slash": {"path": f"{path}/"},
    }
    return ways[way] | {"refusals": NO_MESSAGE} if way in ways else {}


LOOKUPS = (
    "registry/lookup",
    "registry/subscribers/lookup",
    "registry/subscribe",
    "bap/on_subscribe",
    "bpp/on_subscribe",
)
PLACES = (
    *("ds/catalog/subscriptions", "ds/catalog/subscriptions?subscriberId=@", "ds/catalog/subscription/@"),
    *("ds/catalog/pull/result/@/catalogs.json", "ds/catalog/pull/result/@/@", "ds/catalog/master/@"),
    *("ds/catalog/master/schemaTypes", "registry/subscribers", "registry/dedi/lookup/@/subscribers.beckn.one/@"),
    *("registry/dedi/lookup/caco.example/flex-dev/@", "registry/dedi/lookup/@/@/@"),
)
IDS: tuple[str, ...] = (
    "00000000-0000-4000-8000-000000000000",
    "bap.fuzz.example",
    "fuzz-1",
    "fuzz-1%7Ced25519",
    "x" * 300,
    "%00",
    "%ff",
)
IDS += ("..%2f..%2fetc", "%F0%9F%94%8B", "1%20OR%201=1", "%ED%A0%80", "-", "%25", "a:b")


def questions(spoiler: Spoiler, chance: random.Random, count: int) -> Iterator[Shot]:
    """Signed questions without a body, and look-ups at the registry with odd ones."""
    for number in range(count):
        if number % 2:
            path = "".join(
                chance.choice(IDS) if part == "@" else part for part in re.split("(@)", chance.choice(PLACES))
            )
            method = chance.choice(("GET", "GET", "GET", "DELETE", "POST"))
            statuses = NO_MESSAGE | {410, 415}
            yield Shot(f"{method} {path}", "questions", "bap", path, b"", (), method, refusals=statuses)
            continue
        told = {"message": {"subscriber_id": "bap.fuzz.example", "key_id": "fuzz-1", "type": "BAP", "nonce": "x"}}
        how, raw = spoiler.spoil(told)
        raw = raw.removeprefix(b'{"message": ').removesuffix(b"}") if chance.random() < 0.9 else raw
        path = chance.choice(LOOKUPS)
        yield Shot(f"{path}: {how}", "questions", "bap", path, raw, refusals=NO_MESSAGE | {413})


def dumped(envelope: Envelope, message: Message) -> bytes:
    """The body of a valid message."""
    return json.dumps(envelope.around(message)).encode()


def padded(raw: bytes, size: int) -> bytes:
    """The same JSON in `size` bytes."""
    return raw[:-1] + b" " * (size - len(raw)) + raw[-1:]
