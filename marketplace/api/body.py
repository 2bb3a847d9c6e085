"""JSON bodies read strictly: what another reader could take differently is refused, so that both sides mean the same.

Refused: text that is not UTF-8, NaN and Infinity, numbers beyond a double's range, a name twice in one object, lone
surrogates and NUL characters, nesting without end. Numbers with a fraction stay exact (Decimal).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import IO, Any, NoReturn

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

DEEPEST = 32
STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
BRACKET = re.compile(rb"[\[{]|[\]}]")


class StrictJson(BaseParser):
    """application/json for DRF. The size of the body was checked before this reads it."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The value in the body. Raises ParseError in words."""
        return read(stream.read())


def read(raw: bytes) -> Any:
    """`raw` as Python values. Raises ParseError naming what is wrong and, where known, its place.

    >>> read(b'{"kw": 412.50, "slots": 3}')
    {'kw': Decimal('412.50'), 'slots': 3}
    """
    # Counted before parsing: how deep a parser can go before the process dies depends on who raised Python's limit.
    if too_deep(raw):
        raise ParseError("The body is nested too deeply.")
    try:
        text = raw.decode("utf-8")
        value = json.loads(text, parse_float=number, parse_constant=no_constant, object_pairs_hook=unrepeated)
    except UnicodeDecodeError as problem:
        raise ParseError(f"The body is not UTF-8: byte {problem.start} cannot be read.") from problem
    except json.JSONDecodeError as problem:
        raise ParseError(
            f"The body is not JSON: {problem.msg} at line {problem.lineno}, column {problem.colno}."
        ) from problem
    except ValueError as problem:  # an integer longer than Python converts
        raise ParseError("The body holds an integer with too many digits.") from problem
    check(value)
    return value


def too_deep(raw: bytes) -> bool:
    """Whether more brackets stand open at once, outside strings, than any request here needs."""
    depth = 0
    for found in BRACKET.finditer(STRING.sub(b"", raw)):
        depth += 1 if found.group() in b"[{" else -1
        if depth > DEEPEST:
            return True
    return False


def number(text: str) -> Decimal:
    """A number with a fraction or an exponent, exact, within what a double can hold."""
    if not math.isfinite(float(text)):
        raise ParseError(f"The body holds the number {text[:40]}, which is out of range.")
    return Decimal(text)


def no_constant(name: str) -> NoReturn:
    """NaN, Infinity and -Infinity are Python's, not JSON's."""
    raise ParseError(f"The body holds {name}, which is not JSON.")


def unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names differ."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ParseError(f"The body names {name[:80]!r} twice in one object.")
        found[name] = value
    return found


def check(value: Any) -> None:
    """Raise ParseError for text that no database keeps."""
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise ParseError("The body holds a character that is not text (a NUL or half of a surrogate pair).")
    elif isinstance(value, dict):
        for name, item in value.items():
            check(name)
            check(item)
    elif isinstance(value, list):
        for item in value:
            check(item)
