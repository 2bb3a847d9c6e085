"""Bodies: JSON in the one way every reader understands, of bounded size and depth, and shaped as the action wants it."""

from __future__ import annotations

import dataclasses
import json

from beckn.conformance.exchange import Request
from beckn.conformance.kit import Kit
from beckn.conformance.rule import Rule
from beckn.conformance.rules.refusal import BAD_REQUEST, Refusal
from beckn.conformance.speech import V2

JSON_CODES = frozenset({"SCH_INVALID_JSON"})
OVERSIZE = 20 * 1024 * 1024
DEEP = 20_000


def spliced(kit: Kit, member: bytes) -> Request:
    """A good body with one more member at the root, written as `member` is."""
    told = kit.told()
    return kit.sealed(told, json.dumps(told).encode()[:-1] + b"," + member + b"}")


def cut_off(kit: Kit) -> Request:
    """JSON that stops in the middle."""
    told = kit.told()
    return kit.sealed(told, json.dumps(told).encode()[:-1])


def twice(kit: Kit) -> Request:
    """The message twice: one reader takes the first, another the last."""
    told = kit.told()
    return spliced(kit, b'"message":' + json.dumps(told["message"]).encode())


def replaced(kit: Kit, raw: bytes) -> Request:
    """Other bytes altogether, well signed."""
    return kit.sealed(kit.told(), raw)


def deep(kit: Kit) -> Request:
    """Brackets that only serve to exhaust a parser."""
    return spliced(kit, b'"x":' + b"[" * DEEP + b"]" * DEEP)


def large(kit: Kit) -> Request:
    """Far more than any message needs."""
    return spliced(kit, b'"x":"' + b"x" * OVERSIZE + b'"')


def plain_text(kit: Kit) -> Request:
    """JSON that says it is something else."""
    request = kit.sealed(kit.told())
    return dataclasses.replace(request, headers=(("Content-Type", "text/plain"), request.headers[1]))


def fetched(kit: Kit) -> Request:
    """The action asked for with GET."""
    request = kit.sealed(kit.told(), b" ")
    return dataclasses.replace(request, method="GET", raw=b"")


def elsewhere(kit: Kit) -> Request:
    """An action that nobody has."""
    return dataclasses.replace(kit.sealed(kit.told()), path="barter")


def unknown_member(kit: Kit) -> Request:
    """A member that the action's closed message does not have."""
    told = kit.told()
    return kit.sealed(told | {"message": told["message"] | {"surprise": 1}})


def other_type(kit: Kit) -> Request:
    """A text where an object or a list belongs."""
    told = kit.told()
    return kit.sealed(told | {"message": dict.fromkeys(told["message"], "everything")})


def without_content(kit: Kit) -> Request:
    """A message without the member it is for."""
    return kit.sealed(kit.told(message={}))


JSON_CASES = (
    ("body-malformed", "JSON that ends too early is refused.", cut_off),
    ("body-nan", "NaN, which is not JSON, is refused.", lambda kit: spliced(kit, b'"x":NaN')),
    ("body-overflow", "A number that reads as infinity is refused.", lambda kit: spliced(kit, b'"x":1e400')),
    ("body-duplicate", "A member that stands twice is refused.", twice),
    ("body-deep", "Nesting beyond reason is refused.", deep),
    ("body-surrogate", "Half a surrogate pair is refused.", lambda kit: spliced(kit, b'"x":"\\ud800"')),
    ("body-utf8", "Bytes that are not UTF-8 are refused.", lambda kit: spliced(kit, b'"x":"\xff\xfe"')),
    (
        "body-trailing",
        "Anything after the object is refused.",
        lambda kit: replaced(kit, json.dumps(kit.told()).encode() + b"{}"),
    ),
    ("body-array", "A body that is no object is refused.", lambda kit: replaced(kit, b"[1,2]")),
)
CASES = (
    *(Refusal(name, sentence, make, BAD_REQUEST, JSON_CODES) for name, sentence, make in JSON_CASES),
    Refusal("body-oversize", "A body of 20 MiB is refused.", large, frozenset({413}), may_hang_up=True),
    Refusal("http-type", "Another Content-Type than application/json is refused.", plain_text, frozenset({400, 415})),
    Refusal("http-get", "An action asked for with GET is refused.", fetched, frozenset({404, 405})),
    Refusal("http-path", "An action that does not exist is refused.", elsewhere, frozenset({400, 404})),
    Refusal(
        "schema-unknown",
        "A member that a closed object does not have is refused.",
        unknown_member,
        BAD_REQUEST,
        frozenset({"SCH_FIELD_NOT_ALLOWED", "SCH_SCHEMA_VALIDATION_FAILED"}),
        profiles=V2,
    ),
    Refusal(
        "schema-type",
        "A member of another type is refused.",
        other_type,
        BAD_REQUEST,
        frozenset({"SCH_TYPE_NOT_SUPPORTED", "SCH_SCHEMA_VALIDATION_FAILED"}),
    ),
    Refusal(
        "schema-required",
        "A message without its required member is refused.",
        without_content,
        BAD_REQUEST,
        frozenset({"SCH_REQUIRED_FIELD_MISSING", "SCH_SCHEMA_VALIDATION_FAILED"}),
        profiles=V2,
    ),
    Refusal(
        "schema-pointer",
        "A NACK points with a JSON pointer at what is wrong.",
        without_content,
        BAD_REQUEST,
        pointers=frozenset({"/message", "/message/intent", "/message/catalogs"}),
        profiles=V2,
    ),
)
RULES: tuple[Rule, ...] = tuple(case.rule for case in CASES)
