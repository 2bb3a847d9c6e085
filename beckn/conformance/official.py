"""Messages against the standard's own OpenAPI file, where whoever runs the kit gives it. The file is not ours to carry.

References inside the file are followed; what lies elsewhere is not fetched, and a schema that needs it is said to be missing.
"""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import yaml

URI = "json-schema:///official"


class UnusableError(ValueError):
    """The file is no OpenAPI document, or has no schema for an action."""


class Official:
    """An OpenAPI 3.1 document, from YAML or JSON text."""

    def __init__(self, text: str) -> None:
        try:
            self.document = yaml.load(text, Loader=PlainLoader)  # noqa: S506 - a SafeLoader that leaves times as texts
        except yaml.YAMLError as problem:
            raise UnusableError(f"the specification is not YAML: {problem}") from problem
        if not isinstance(self.document, dict) or not isinstance(self.document.get("paths"), dict):
            raise UnusableError("the specification has no paths; give the OpenAPI file of the transaction API")
        self.registry = jsonschema_rs.Registry([(URI, self.document)])

    def problem(self, action: str, told: Any) -> str:
        """What is wrong with a request body of this action, or nothing. Raises UnusableError."""
        pointer = self.pointer(action)
        try:
            validator = jsonschema_rs.Draft202012Validator(
                {"$ref": f"{URI}#{pointer}"}, registry=self.registry, validate_formats=True
            )
        except (jsonschema_rs.ReferencingError, jsonschema_rs.ValidationError) as fault:
            raise UnusableError(f"the specification's schema for {action} cannot be used: {fault}") from fault
        try:
            validator.validate(told)
        except jsonschema_rs.ValidationError as found:  # the first: a list of them all may take minutes
            return f"at /{'/'.join(map(str, found.instance_path))}: {found.message[:300]}"
        return ""

    def pointer(self, action: str) -> str:
        """Where the body's schema stands in the document."""
        parts = ["paths", f"/{action}", "post", "requestBody"]
        node, at = self.follow(parts)
        if not isinstance(node, dict) or "application/json" not in (node.get("content") or {}):
            raise UnusableError(f"the specification has no JSON body for POST /{action}")
        return "/" + "/".join(escape(part) for part in [*at, "content", "application/json", "schema"])

    def follow(self, parts: list[str]) -> tuple[Any, list[str]]:
        """The node at a path, and the path after following its references."""
        node, at = self.document, list[str]()
        for part in parts:
            node, at = (node.get(part) if isinstance(node, dict) else None), [*at, part]
            while isinstance(node, dict) and isinstance(node.get("$ref"), str) and node["$ref"].startswith("#/"):
                node, at = self.follow([unescape(step) for step in node["$ref"][2:].split("/")])
        return node, at


class PlainLoader(yaml.SafeLoader):
    """YAML as JSON has it: a date in an example is a text."""


PlainLoader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for letter, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def escape(part: str) -> str:
    """One step of a JSON pointer in a URI's fragment."""
    return part.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")


def unescape(part: str) -> str:
    """A step as it stands in a reference."""
    return part.replace("~1", "/").replace("~0", "~")
