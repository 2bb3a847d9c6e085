"""JSON bytes made readable without touching a token: only white space differs from what was sent or received.

A parser would lose what a signature covers: trailing zeros of prices, escapes, the order and repetition of members.
"""

from __future__ import annotations

import re

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
FLAT_LIST = 88  # characters of a list of plain values that still stand on one line


def readable(raw: bytes) -> str:
    r"""`raw` with one member a line; text that is not JSON comes back as it is.

    >>> print(readable(b'{"price":{"value":0.2500,"days":[1,2]},"none":{}}'))
    {
      "price": {
        "value": 0.2500,
        "days": [1, 2]
      },
      "none": {}
    }
    >>> readable(b'<html>'), readable(b'')
    ('<html>', '')
    """
    text = bytes(raw).decode("utf-8", "replace")
    tokens = TOKEN.findall(text)
    if not text.lstrip().startswith(("{", "[")) or "".join(tokens) != "".join(unspaced(text)):
        return text
    return laid_out(tokens)


def unspaced(text: str) -> list[str]:
    """The pieces of `text` outside white space, where white space inside strings is kept."""
    return re.findall(r'"(?:[^"\\]|\\.)*"|[^\s"]+|"', text)


def laid_out(tokens: list[str]) -> str:
    """The tokens with line breaks and two blanks a level."""
    out: list[str] = []
    depth, at = 0, 0
    while at < len(tokens):
        piece = tokens[at]
        flat = flat_end(tokens, at)
        if flat is not None:
            out += [", " if one == "," else one for one in tokens[at : flat + 1]]
            at = flat
        elif piece in {"{", "["}:
            depth += 1
            out.append(piece + line(depth))
        elif piece in {"}", "]"}:
            depth -= 1
            out.append(line(depth) + piece)
        else:
            out.append({",": "," + line(depth), ":": ": "}.get(piece, piece))
        at += 1
    return "".join(out)


def line(depth: int) -> str:
    """A new line at `depth`."""
    return "\n" + "  " * max(depth, 0)


def flat_end(tokens: list[str], at: int) -> int | None:
    """Where the list or object that opens at `at` closes, if it is empty or a short list of plain values."""
    if tokens[at] not in {"{", "["}:
        return None
    length = 0
    for index in range(at + 1, len(tokens)):
        piece = tokens[index]
        if piece in {"]", "}"}:
            return index if tokens[at] == "[" or index == at + 1 else None
        length += len(piece)
        if piece in {"{", "[", ":"} or length > FLAT_LIST:
            return None
    return None
