"""Whether a body is shaped as 2.0.0 LTS and our domain types want it. The schemas are our own, in v2/*.json.

One compiled validator holds all of them; it decides by context.action. An error becomes the network's code for its kind, a
JSON pointer and the reason. What a message means, and whether it may be said now, is for others to judge.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import jsonschema_rs

from beckn.wire.errors import WireError

FILES = resources.files(__package__) / "v2"
SCHEMAS: dict[str, dict[str, Any]] = {
    name: json.loads((FILES / name).read_text("utf-8"))
    for name in ("envelope.json", "carriers.json", "attributes.json")
}
BASE = "json-schema:///"
VALIDATOR = jsonschema_rs.Draft202012Validator(
    SCHEMAS["envelope.json"],
    registry=jsonschema_rs.Registry([(f"{BASE}{name}", schema) for name, schema in SCHEMAS.items()]),
    base_uri=f"{BASE}envelope.json",
    validate_formats=True,
)
CODES = {
    "required": "SCH_REQUIRED_FIELD_MISSING",
    "additionalProperties": "SCH_FIELD_NOT_ALLOWED",
    "enum": "SCH_INVALID_ENUM",
    "const": "SCH_INVALID_ENUM",
    "format": "SCH_INVALID_FORMAT",
    "type": "SCH_TYPE_NOT_SUPPORTED",
}
ACTIONS = frozenset(SCHEMAS["envelope.json"]["$defs"])  # the actions whose messages are described
LONGEST_REASON = 300


def validate(body: dict[str, Any]) -> None:
    """Raise WireError for the first thing that does not fit, with a JSON pointer to it.

    `body` is a whole request body with numbers as int or Decimal; it is judged by its context.action.
    """
    refuse_first(VALIDATOR, body)


def refuse_first(validator: jsonschema_rs.Draft202012Validator, body: dict[str, Any]) -> None:
    """The same with any validator, which looks no further than the first: a list of half a million faults takes minutes."""
    try:
        validator.validate(body)
    except jsonschema_rs.ValidationError as problem:
        raise described(problem) from None


def described(problem: jsonschema_rs.ValidationError) -> WireError:
    """A fault in the network's words."""
    pointer = "".join(f"/{escape(str(part))}" for part in problem.instance_path)
    reason = problem.message if len(problem.message) <= LONGEST_REASON else f"{problem.message[:LONGEST_REASON]}..."
    code = CODES.get(problem.kind.name, "SCH_SCHEMA_VALIDATION_FAILED")
    return WireError(code, f"At {pointer or '/'}: {reason}", pointer)


def escape(part: str) -> str:
    """One step of a JSON pointer (RFC 6901)."""
    return part.replace("~", "~0").replace("/", "~1")
