"""Whether a body is shaped as 1.1 and our domain want it: our own schema, beckn/wire/schema/v1, open where 1.1 is open."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import jsonschema_rs

from beckn.wire import schema

ENVELOPE: dict[str, Any] = json.loads((resources.files(schema) / "v1" / "envelope.json").read_text("utf-8"))
VALIDATOR = jsonschema_rs.Draft202012Validator(ENVELOPE, validate_formats=True)


def validate(body: dict[str, Any]) -> None:
    """Raise WireError for the first thing that does not fit, with a JSON pointer to it."""
    schema.refuse_first(VALIDATOR, body)
