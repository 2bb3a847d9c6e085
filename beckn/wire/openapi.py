"""Our own OpenAPI description of the doors, made from the schemas that messages are checked with, so it cannot say otherwise.

Which actions are served is told from outside; how they are shaped, who signs them and what answers them is known here. The
standard publishes a description too, under a licence of its own; nothing of that file is needed or used.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from beckn.wire import actions, context, schema
from beckn.wire.errors import CODES
from beckn.wire.types import references
from beckn.wire.v1 import names, shape

REF = "#/components/schemas/"
OLD = "V1"  # before the name of every schema of 1.1
NAMED = ("bap", "bpp")
TEXT = {"type": "string"}
Schema = dict[str, Any]
MEANINGS = {
    "400": "Refused: the body, its context or its meaning is wrong, and the error says where.",
    "401": "Refused: the sender is not shown to be who it says.",
    "409": "A message id that was used for another body (onix), or a preview run, acknowledged without a callback (lts).",
    "413": "Refused: the body is too long.",
    "415": "Refused: not application/json in UTF-8 without an encoding.",
    "503": "Too busy, or the registry does not answer; Retry-After says when to send again.",
}


@dataclass(frozen=True, slots=True)
class Question:
    """A signed request without a body that is answered at once; parameters are the words in braces."""

    method: str
    path: str
    summary: str
    answer: Schema
    statuses: tuple[str, ...] = ("401", "404")


def listed(member: str) -> Schema:
    """An object with one list."""
    return {"type": "object", "properties": {member: {"type": "array"}}, "required": [member]}


QUESTIONS = (
    Question("get", "/ds/catalog/subscriptions", "The signer's subscriptions.", listed("subscriptions"), ("401",)),
    Question("get", "/ds/catalog/subscription/{id}", "One of the signer's subscriptions.", {"type": "object"}),
    Question("delete", "/ds/catalog/subscription/{id}", "End one of the signer's subscriptions.", {"type": "object"}),
    Question("get", "/ds/catalog/pull/result/{id}/catalogs.json", "What a pull put together.", listed("catalogs")),
    Question("get", "/ds/catalog/master/schemaTypes", "Kinds of master items.", listed("schemaTypes"), ("401",)),
    Question("get", "/ds/catalog/master/{item}", "One master item.", {"$ref": f"{REF}Resource"}),
)
# Messages that the discovery service answers at once, by the rest of their address.
AT_ONCE = {
    "catalog/subscription": "catalog/subscription",
    "catalog/pull": "catalog/pull",
    "catalog/master/search": "catalog/master_search",
}
PARAMETERS: dict[str, Schema] = {
    "id": {"type": "string", "format": "uuid"},
    "item": {"type": "string", "pattern": "^[a-zA-Z0-9_\\-:.]{1,255}$"},
}


def document(*, served: Mapping[str, Collection[str]], server: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of an installation at `server` that handles the actions `served` for each role."""
    paths: dict[str, Any] = {}
    for role, handled in served.items():
        for name in sorted(handled):
            paths |= paths_of(role, name)
    if "ds" in served:
        for rest, name in AT_ONCE.items():
            paths[f"/ds/{rest}"] = {"post": message(name, "ds", [body_of(name)], f"{name}, answered at once.")}
        for question in QUESTIONS:
            paths.setdefault(question.path, {})[question.method] = described(question)
    return {
        "openapi": "3.1.1",
        "info": {"title": "CACO's Beckn doors", "version": context.VERSION, "description": (__doc__ or "").strip()},
        "servers": [{"url": server}],
        "security": [{"signature": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": {
                "signature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "Signature keyId=..., Ed25519 over created, expires and the BLAKE2b-512 digest of the raw body.",
                }
            },
            "schemas": dict(sorted(schemas().items())),
        },
    }


def paths_of(role: str, name: str) -> dict[str, Any]:
    """The addresses at which `role` takes an action: that of 2.0.0, and that of 1.1 where it has another word for it."""
    old = names.SPOKEN.get(name) if role in NAMED else None
    bodies = [body_of(name)] + ([old_body_of(name)] if old == name else [])
    found = {f"/{role}/{name}": {"post": message(name, role, bodies, f"{name}, to a {role}.")}}
    if old and old != name:
        found[f"/{role}/{old}"] = {"post": message(old, role, [old_body_of(name)], f"{old} of Beckn 1.1, to a {role}.")}
    return found


def message(word: str, role: str, bodies: list[Schema], summary: str) -> dict[str, Any]:
    """One POST."""
    return {
        "operationId": f"{role}-{word.replace('/', '-')}",
        "summary": summary,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": bodies[0] if len(bodies) == 1 else {"anyOf": bodies}}},
        },
        "responses": {"200": told("Stored, and acknowledged.", {"$ref": f"{REF}Receipt"})} | refusals(tuple(MEANINGS)),
    }


def described(question: Question) -> dict[str, Any]:
    """One GET or DELETE."""
    found = [word for word in PARAMETERS if f"{{{word}}}" in question.path]
    place = question.path.removeprefix("/").replace("/", "-").replace("{", "").replace("}", "")
    return {
        "operationId": f"{question.method}-{place}",
        "summary": question.summary,
        "parameters": [{"name": word, "in": "path", "required": True, "schema": PARAMETERS[word]} for word in found],
        "responses": {"200": told("As it stands.", question.answer)} | refusals(question.statuses),
    }


def told(description: str, answer: Schema) -> dict[str, Any]:
    """One answer."""
    return {"description": description, "content": {"application/json": {"schema": answer}}}


def refusals(statuses: tuple[str, ...]) -> dict[str, Any]:
    """The answers that are no."""
    return {one: told(MEANINGS.get(one, "There is no such thing."), {"$ref": f"{REF}Receipt"}) for one in statuses}


def body_of(name: str) -> Schema:
    """A whole body of an action of 2.0.0: what the schema asks for, and what its context must name besides."""
    spec = actions.ACTIONS[name]
    envelope = schema.SCHEMAS["envelope.json"]["properties"]
    about = copy.deepcopy(envelope["context"])
    about["properties"]["action"] = {"enum": [name, *spec.also]}
    about["required"] = [*about["required"], *parties(spec)]
    properties = {"context": about, "message": {"$ref": f"{REF}{component(name)}"}}
    if spec.is_callback:
        properties["error"] = copy.deepcopy(envelope["error"])
    return {"type": "object", "properties": properties, "required": ["context", "message"]}


def parties(spec: actions.Action) -> list[str]:
    """The members of a context that name who speaks and who is meant, as beckn.wire.context checks them."""
    asked = [f"{role}Id" for role in NAMED if spec.senders == (role,) or spec.receivers == (role,)]
    return asked + [f"{role}Uri" for role in NAMED if spec.senders == (role,) and not spec.is_callback]


def old_body_of(name: str) -> Schema:
    """A whole body of 1.1 for the action that 2.0.0 calls `name`; a callback may carry its error instead of a message."""
    word, envelope = names.of(name), shape.ENVELOPE["properties"]
    about = copy.deepcopy(envelope["context"])
    about["properties"]["action"] = {"const": word}
    about["properties"]["version"] = {"type": "string", "pattern": "^1\\.1\\.[0-9]+$"}
    about["required"] = [*about["required"], "version", "bap_id", "bpp_id"]
    properties = {"context": about, "message": {"$ref": f"{REF}{OLD}{component(word)}"}}
    if word.startswith("on_"):
        properties["error"] = copy.deepcopy(envelope["error"])
        return {
            "type": "object",
            "properties": properties,
            "required": ["context"],
            "anyOf": either("message", "error"),
        }
    return {"type": "object", "properties": properties, "required": ["context", "message"]}


def either(*members: str) -> list[Schema]:
    """At least one of them."""
    return [{"required": [one]} for one in members]


def component(word: str) -> str:
    """An action's word as the name of a component: no slash, and told apart from the carriers by its ending."""
    return f"{word.replace('/', '_')}_message"


def schemas() -> dict[str, Schema]:
    """Every schema by its name in the document."""
    found = {"Receipt": receipt(), "Attributes": attributes()}
    for file in ("carriers.json", "attributes.json"):
        found |= {name: linked(one) for name, one in schema.SCHEMAS[file]["$defs"].items()}
    found |= {component(name): linked(one) for name, one in schema.SCHEMAS["envelope.json"]["$defs"].items()}
    old = dict(shape.ENVELOPE["$defs"])
    spoken = old.pop("messages")
    found |= {f"{OLD}{name}": linked(one, OLD) for name, one in old.items()}
    return found | {f"{OLD}{component(word)}": linked(one, OLD) for word, one in spoken.items()}


def linked(one: Schema, prefix: str = "") -> Schema:
    """A copy whose references lead to this document's components."""
    made = copy.deepcopy(one)
    for holder in references({"root": made}):
        _, _, name = str(holder["$ref"]).partition("#/$defs/")
        holder["$ref"] = f"{REF}{prefix}{name or 'Attributes'}"
    return made


def attributes() -> Schema:
    """What may stand in an *Attributes slot: one of our own types, well formed, or any other type, which is not ours to judge."""
    kinds = [rule["then"]["$ref"].rpartition("/")[2] for rule in schema.SCHEMAS["attributes.json"]["allOf"]]
    asked = schema.SCHEMAS["attributes.json"]["required"]
    own = [copy.deepcopy(schema.SCHEMAS["attributes.json"]["$defs"][kind]) for kind in kinds]
    for kind, one in zip(kinds, own, strict=True):
        one["properties"] = one["properties"] | {"@type": {"const": kind}}
        one["required"] = [*asked, *one["required"]]
    foreign = {"@context": TEXT, "@type": TEXT | {"not": {"enum": kinds}}}
    return {"anyOf": [*map(linked, own), {"type": "object", "properties": foreign, "required": asked}]}


def receipt() -> Schema:
    """A receipt in any profile's spelling; of 1.1 the error's code is a number instead."""
    words = sorted(CODES)
    return {
        "type": "object",
        "properties": {
            "status": {"enum": ["ACK", "NACK"]},
            "signature": {"type": "string", "description": "The receiver's signature over both bodies."},
            "message": {"type": "object"},
            "error": {
                "type": "object",
                "properties": {"errorCode": {"enum": words}, "errorMessage": TEXT, "code": TEXT, "message": TEXT},
            },
        },
        "anyOf": either("status", "message"),
    }
