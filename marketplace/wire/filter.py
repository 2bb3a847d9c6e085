"""Which catalogue entries an intent asks for: words, and comparisons on resource attributes.

The filter is read by a small whitelisted parser, never evaluated as code. Both JSONPath forms in use are understood:
`$.catalogs[*].resources[?(@.resourceAttributes.x == 'y' && ...)]` and the SQL/JSON form `... ? (@.x == "y")`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from marketplace.rules.errors import MarketError

LONGEST = 1000
SHAPE = re.compile(r"^\$(?:\.catalogs\[\*\])?\.resources\[(?:\*\]\s*)?\?\s*\((?P<body>.*)\)\]?\s*$")
CONDITION = re.compile(
    r"^@(?P<path>(?:\.[A-Za-z_][A-Za-z0-9_]*){1,6})\s*(?P<op>==|!=|>=|<=|>|<)\s*(?:'(?P<s>[^']*)'|\"(?P<d>[^\"]*)\"|(?P<n>-?\d+(?:\.\d+)?))$"
)


def matching(catalogs: list[dict[str, Any]], intent: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The catalogues with only the resources, and the offers on them, that match. Raises MarketError SCH_INVALID_JSONPATH."""
    words = str(intent.get("textSearch") or "").lower().split()
    conditions = read_conditions(intent.get("filters"))
    found = []
    for catalogue in catalogs:
        kept = [
            r for r in catalogue["resources"] if wanted(r, catalogue, words) and all(holds(r, c) for c in conditions)
        ]
        ids = {resource["id"] for resource in kept}
        if kept:
            offers = [offer for offer in catalogue["offers"] if ids & set(offer["resourceIds"])]
            found.append(catalogue | {"resources": kept, "offers": offers})
    return found


def wanted(resource: Mapping[str, Any], catalogue: Mapping[str, Any], words: list[str]) -> bool:
    """Whether every word stands in the names of the resource or its provider."""
    text = f"{resource['descriptor']['name']} {catalogue['provider']['descriptor']['name']}".lower()
    return all(word in text for word in words)


def read_conditions(filters: Any) -> list[re.Match[str]]:
    """The `&&`-joined comparisons of a filter."""
    if not filters:
        return []
    expression = str(filters.get("expression", ""))
    shape = SHAPE.match(expression.strip()) if len(expression) <= LONGEST else None
    parts = [CONDITION.match(part.strip()) for part in shape["body"].split("&&")] if shape else [None]
    if filters.get("type") != "jsonpath" or not all(parts):
        raise MarketError(
            "SCH_INVALID_JSONPATH",
            f"The filter {expression[:120]!r} is not understood.",
            fix="Compare resource attributes, joined by &&: $.catalogs[*].resources[?(@.resourceAttributes.maxCapacityKw >= 500)].",
        )
    return [part for part in parts if part]


def holds(resource: Mapping[str, Any], condition: re.Match[str]) -> bool:
    """Whether one comparison holds; a missing attribute, or a text against a number, never matches."""
    value: Any = resource
    for name in condition["path"].split(".")[1:]:
        value = value.get(name) if isinstance(value, Mapping) else None
    text = condition["s"] if condition["s"] is not None else condition["d"]
    other: Any = text
    if text is None:
        try:
            value, other = Decimal(str(value)), Decimal(condition["n"])
        except InvalidOperation:
            return False
    elif not isinstance(value, str):
        return False
    outcome = {"==": value == other, "!=": value != other}
    if condition["op"] in outcome:
        return bool(outcome[condition["op"]])
    return bool({">=": value >= other, "<=": value <= other, ">": value > other, "<": value < other}[condition["op"]])
