"""JSON bodies, read strictly and written exactly.

Reading refuses what two readers could understand differently (duplicate keys, NaN, lone surrogates) and what only serves to
exhaust a reader (depth, endless numbers). Numbers are int or Decimal, never float: a price keeps its digits.
A digest is always taken over raw bytes; nothing here is ever used to re-create bytes that somebody signed.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from itertools import accumulate
from typing import Any

import msgspec

from beckn.wire.errors import WireError

MAX_DEPTH = 32  # a contract with time series nests 12 deep
MAX_NUMBER = 40  # characters; 28 digits of Decimal precision, sign, point and exponent
MAX_EXPONENT = 308  # beyond IEEE doubles a peer reads infinity (1e400)
STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
ESCAPE = b"\\u"
CONTAINERS = (dict, list)
# Bytes by what they can be outside a string: part of a number (0), an opening or closing bracket, or neither (a space).
KINDS = bytes(
    {**dict.fromkeys(b"-+.0123456789eE", 48), **dict.fromkeys(b"[{", 123), **dict.fromkeys(b"]}", 125)}.get(byte, 32)
    for byte in range(256)
)
TOO_LONG = b"0" * (MAX_NUMBER + 1)
NO_MARK = bytes(set(range(256)) - set(b'[]{}"\\'))
NO_BRACKET = bytes(set(range(256)) - set(b"{}"))
STEPS = {ord("{"): 1, ord("}"): -1}


def parse(raw: bytes) -> dict[str, Any]:
    """The object in `raw`. Raises WireError SCH_INVALID_JSON with the reason."""
    if TOO_LONG in raw.translate(KINDS) and TOO_LONG in STRING.sub(b"", raw).translate(KINDS):
        raise invalid(f"a number has more than {MAX_NUMBER} characters")
    if is_deep(brackets(raw)):
        raise invalid(f"it nests deeper than {MAX_DEPTH} levels")
    try:
        value = DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise invalid(str(problem)) from problem
    if not isinstance(value, dict):
        raise invalid("the outermost value is not an object")
    if has_repeated(raw, value):
        raise invalid(f"a member stands twice in one object: {repeated(raw)}")
    if ESCAPE in raw:
        check_texts(value)
    return value


def invalid(reason: str) -> WireError:
    """The error for a body that is not JSON as we read it."""
    return WireError("SCH_INVALID_JSON", f"The body cannot be read: {reason}.")


def brackets(raw: bytes) -> bytes:
    """The brackets outside strings, written as braces.

    With brackets, quotes and backslashes alone, a string is two quotes and falls away at once. A string that holds a bracket
    leaves a quote behind, because the quotes before that bracket are odd in number; only then are strings cut out one by one.
    """
    plain = raw.translate(None, NO_MARK).replace(b'""', b"")
    if b'"' in plain or b"\\" in plain:
        plain = STRING.sub(b"", raw)
    return plain.translate(KINDS).translate(None, NO_BRACKET)


def is_deep(braces: bytes) -> bool:
    """Whether more than MAX_DEPTH brackets stand open at once.

    Decided before parsing: how deep a parser may go before the process dies depends on who raised Python's limit.
    """
    rest = braces
    for _ in range(MAX_DEPTH):  # each round takes the innermost pairs away
        rest = rest.replace(b"{}", b"")
    return bool(rest) and max(accumulate(map(STEPS.__getitem__, braces)), default=0) > MAX_DEPTH


def decimal(text: str) -> Decimal:
    """A Decimal with exactly the digits written, within the range of IEEE doubles."""
    value = Decimal(text)
    if abs(value.adjusted()) > MAX_EXPONENT:
        raise invalid(f"the number {text} is too large or too small")
    return value


DECODER = msgspec.json.Decoder(float_hook=decimal)


def has_repeated(raw: bytes, value: dict[str, Any]) -> bool:
    """Whether a name stands twice in one object: `value`, as parsed from `raw`, then has fewer members than `raw`.

    Each member has one colon. Written again, texts keep their colons, unless one was written as an escape.
    """
    if ESCAPE in raw:
        return count_members(value) != STRING.sub(b"", raw).count(b":")
    return ENCODER.encode(value).count(b":") != raw.count(b":")


def count_members(root: dict[str, Any]) -> int:
    """How many members all objects hold together."""
    members = 0
    level: list[Any] = [root]
    while level:
        below: list[Any] = []
        for node in level:
            if type(node) is dict:
                members += len(node)
                node = node.values()
            below += [item for item in node if type(item) in CONTAINERS]
        level = below
    return members


def repeated(raw: bytes) -> str:
    """The names that stand twice in one object, for the error text."""
    found: set[str] = set()

    def note(pairs: list[tuple[str, Any]]) -> None:
        found.update(name[:40] for name, times in Counter(name for name, _ in pairs).items() if times > 1)

    json.loads(raw, object_pairs_hook=note)
    return ", ".join(sorted(found)[:5])


def check_texts(root: dict[str, Any]) -> None:
    """Refuse what escapes can smuggle in: lone surrogates (no UTF-8 for them) and U+0000 (PostgreSQL stores none)."""
    for text in texts(root):
        if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
            raise invalid("a text holds U+0000 or half a surrogate pair")


def texts(value: Any) -> Iterator[str]:
    """Every string of a tree, member names included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


ENCODER = msgspec.json.Encoder(decimal_format="number")


def dump(value: dict[str, Any]) -> bytes:
    """Compact UTF-8 bytes with Decimals as exact numbers.

    Raises TypeError naming the JSON pointer of a float, a NaN or anything else JSON has no exact word for: sending such a
    value is a mistake of ours, not of a peer.
    """
    check_exact(value, "")
    return ENCODER.encode(value)


def write(texts_only: dict[str, Any]) -> bytes:
    """What `dump` writes, of a value that holds texts alone and therefore needs no check."""
    return ENCODER.encode(texts_only)


def load(raw: bytes) -> dict[str, Any]:
    """What `dump` wrote, read back without the checks that strangers' bytes need."""
    value: dict[str, Any] = DECODER.decode(raw)
    return value


def size(value: Any) -> int:
    """How many bytes `dump` would write."""
    return len(ENCODER.encode(value))


def check_exact(value: Any, path: str) -> None:
    """Refuse values that would not come back as they went."""
    if isinstance(value, str) or value is None:
        return
    if isinstance(value, dict):
        for name, item in value.items():
            if not isinstance(name, str):
                raise TypeError(f"{path}/{name!r} is a member whose name is not a text")
            check_exact(item, f"{path}/{name}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            check_exact(item, f"{path}/{index}")
    elif isinstance(value, Decimal):
        if not value.is_finite() or abs(value.adjusted()) > MAX_EXPONENT:
            raise TypeError(f"{path or '/'} is {value}, which is not a JSON number")
    elif not isinstance(value, int):
        raise TypeError(f"{path or '/'} is a {type(value).__name__}; write texts, whole numbers and Decimals only")
