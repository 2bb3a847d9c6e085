"""Our own domain types as documents that others can load: a JSON-LD context, a vocabulary, a JSON Schema, an OpenAPI file.

All four are made from the one schema that our messages are checked with, so they cannot say anything else. What a document
is called here is the address that stands as @context in our messages.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import yaml

from beckn.wire.schema import SCHEMAS

BASE = "https://caco.example/schema"
VERSION = "v1.0"
TYPES = (
    "ComputeFlexResource",
    "ComputeFlexSellOffer",
    "FlexActivation",
    "FlexSettlement",
    "FlexDispute",
    "FlexTracking",
)
XSD = "http://www.w3.org/2001/XMLSchema#"
KINDS = {"number": "decimal", "integer": "integer", "boolean": "boolean"}
FORMATS = {"date-time": "dateTime", "date": "date", "duration": "duration", "uri": "anyURI"}


def address(kind: str, name: str) -> str:
    """The IRI of one document of a type."""
    return f"{BASE}/{kind}/{VERSION}/{name}"


def definition(kind: str) -> dict[str, Any]:
    """The type's schema as our messages are checked with."""
    found: dict[str, Any] = copy.deepcopy(SCHEMAS["attributes.json"]["$defs"][kind])
    return found


def members(kind: str) -> dict[str, dict[str, Any]]:
    """The type's own members, without JSON-LD's keywords."""
    return {name: told for name, told in definition(kind)["properties"].items() if not name.startswith("@")}


def bundle(kind: str, prefix: str = "#/$defs/") -> tuple[dict[str, Any], dict[str, Any]]:
    """(the type, what it refers to by name), every reference pointing to `prefix` and the name."""
    whole, parts = definition(kind), dict[str, Any]()
    waiting = [whole]
    while waiting:
        for holder in references(waiting.pop()):
            file, _, name = str(holder["$ref"]).partition("#/$defs/")
            holder["$ref"] = f"{prefix}{name}"
            if name not in parts:
                parts[name] = copy.deepcopy(SCHEMAS[file or "attributes.json"]["$defs"][name])
                waiting.append(parts[name])
    return whole, parts


def references(node: Any) -> Iterator[dict[str, Any]]:
    """Every object under `node` that refers to another schema."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield node
        for inner in node.values():
            yield from references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references(inner)


def json_schema(kind: str) -> str:
    """schema.json: the type alone, with everything it refers to inside."""
    whole, parts = bundle(kind)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": address(kind, "schema.json"),
        "title": kind,
    }
    return written(head | whole | ({"$defs": parts} if parts else {}))


def attributes(kind: str) -> str:
    """attributes.yaml: the same as components of an OpenAPI 3.1 document."""
    whole, parts = bundle(kind, "#/components/schemas/")
    told = {
        "openapi": "3.1.1",
        "info": {"title": kind, "version": VERSION.removeprefix("v"), "description": whole["description"]},
        "paths": {},
        "components": {"schemas": {kind: whole} | parts},
    }
    return str(yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=120))


def context(kind: str) -> str:
    """context.jsonld: each member's IRI and value type."""
    vocabulary = f"{address(kind, 'vocab.jsonld')}#"
    terms: dict[str, Any] = {"@version": 1.1, "@protected": True, "xsd": XSD, kind: f"{vocabulary}{kind}"}
    for name, told in members(kind).items():
        value = range_of(told)
        terms[name] = {"@id": f"{vocabulary}{name}"} | ({"@type": f"xsd:{value}"} if value else {})
    return written({"@context": terms})


def range_of(told: dict[str, Any]) -> str:
    """The XML Schema type of a member's value; empty for texts, lists and objects."""
    return FORMATS.get(str(told.get("format")), KINDS.get(str(told.get("type")), ""))


def vocabulary(kind: str) -> str:
    """vocab.jsonld: what the type and each of its members mean."""
    here = f"{address(kind, 'vocab.jsonld')}#"
    graph: list[dict[str, Any]] = [
        {
            "@id": f"{here}{kind}",
            "@type": "rdfs:Class",
            "rdfs:label": kind,
            "rdfs:comment": definition(kind)["description"],
        }
    ]
    for name, told in members(kind).items():
        value = range_of(told)
        term = {
            "@id": f"{here}{name}",
            "@type": "rdf:Property",
            "rdfs:label": name,
            "rdfs:comment": told["description"],
        }
        term["rdfs:domain"] = {"@id": f"{here}{kind}"}
        graph.append(term | ({"rdfs:range": {"@id": f"xsd:{value}"}} if value else {}))
    names = {
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
        "xsd": XSD,
    }
    return written({"@context": names, "@graph": graph})


def written(told: dict[str, Any]) -> str:
    """JSON for people too."""
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


DOCUMENTS: dict[str, tuple[str, Callable[[str], str]]] = {
    "context.jsonld": ("application/ld+json", context),
    "vocab.jsonld": ("application/ld+json", vocabulary),
    "schema.json": ("application/schema+json", json_schema),
    "attributes.yaml": ("application/yaml", attributes),
}


@lru_cache(maxsize=64)
def document(kind: str, name: str) -> tuple[str, str]:
    """(media type, text) of one document. Raises KeyError for a type or a document there is not."""
    if kind not in TYPES:
        raise KeyError(kind)
    media_type, make = DOCUMENTS[name]
    return media_type, make(kind)
