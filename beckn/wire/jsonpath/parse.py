"""From text to a path. One pass over tokens that one regular expression finds; length, count and depth are bounded."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from beckn.wire.jsonpath.grammar import (
    All,
    Compare,
    Condition,
    Deep,
    Either,
    Exists,
    Index,
    JSONPathError,
    Literal,
    Name,
    Not,
    OneOf,
    Path,
    Step,
    Value,
    Where,
    Wild,
)

LONGEST = 2000  # characters
MOST_TOKENS = 500
DEEPEST = 12  # brackets, negations and filters open at once
TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?P<number>-?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][-+]?[0-9]{1,3})?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>&&|\|\||==|!=|<>|<=|>=|\.\.|[][().?*,@$!<>]))\s*""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
RELATIONS = frozenset({"==", "!=", "<>", "<", "<=", ">", ">="})
WORDS: dict[str, Value] = {"true": True, "false": False, "null": None}


def parse(expression: str) -> Path:
    """The path that `expression` spells, from `$`. Raises JSONPathError, and nothing else, for anything else."""
    if len(expression) > LONGEST:
        raise JSONPathError(f"it is longer than {LONGEST} characters")
    reader = Reader(tokens(expression))
    reader.take("$")
    path = reader.path()
    if reader.at < len(reader.tokens):
        raise reader.problem("nothing")
    return path


def tokens(expression: str) -> list[tuple[str, str]]:
    """(kind, spelling) of each token."""
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(expression):
        match = TOKEN.match(expression, at)
        if match is None or len(found) == MOST_TOKENS:
            raise JSONPathError(
                f"{expression[at : at + 20]!r} is not understood"
                if match is None
                else f"it has over {MOST_TOKENS} words"
            )
        kind = str(match.lastgroup)
        found.append((kind, match[kind]))
        at = match.end()
    return found


class Reader:
    """Recursive descent over the tokens, with the depth counted."""

    def __init__(self, found: list[tuple[str, str]]) -> None:
        self.tokens, self.at, self.depth = found, 0, 0

    def is_next(self, *spellings: str) -> bool:
        """Whether these tokens come next; texts never count as signs."""
        ahead = self.tokens[self.at : self.at + len(spellings)]
        return [word for kind, word in ahead if kind != "text"] == list(spellings)

    def accept(self, *spellings: str) -> bool:
        """Take these tokens if they come next."""
        found = self.is_next(*spellings)
        self.at += len(spellings) if found else 0
        return found

    def take(self, spelling: str) -> None:
        """Take this token or raise."""
        if not self.accept(spelling):
            raise self.problem(repr(spelling))

    def take_kind(self, kind: str) -> str | None:
        """The next token's spelling if it is of that kind."""
        if self.at < len(self.tokens) and self.tokens[self.at][0] == kind:
            self.at += 1
            return self.tokens[self.at - 1][1]
        return None

    def problem(self, wanted: str) -> JSONPathError:
        """The error for what comes next."""
        got = self.tokens[self.at][1][:20] if self.at < len(self.tokens) else "the end"
        return JSONPathError(f"after {self.at} words, {wanted} was expected and {got!r} came")

    def nested(self, read: Callable[[], Condition]) -> Condition:
        """Read one level deeper."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise JSONPathError(f"it nests deeper than {DEEPEST} levels")
        found = read()
        self.depth -= 1
        return found

    def path(self, *, lax: bool = False) -> Path:
        """Steps, as far as they go. A path is lax when it stands in, or has, a filter of the SQL/JSON form."""
        steps: list[Step] = []
        while True:
            if self.accept("?"):
                lax = True
                steps.append(Where(self.nested(lambda: self.bracketed(lax=True))))
            elif self.accept("..") or self.accept("."):
                deep = self.tokens[self.at - 1][1] == ".."
                steps += [Deep()] if deep else []
                steps.append(self.member(bracket=deep))
            elif self.accept("["):
                steps += self.selector()
            else:
                return Path(tuple(steps), lax)

    def member(self, *, bracket: bool) -> Step:
        """What follows a point."""
        if self.accept("*") or (bracket and self.accept("[", "*", "]")):
            return Wild()
        name, text = self.take_kind("name"), self.take_kind("text")
        if name is None and text is None:
            raise self.problem("a member's name")
        return Name(name if name is not None else unquoted(str(text)))

    def selector(self) -> list[Step]:
        """What stands in square brackets."""
        if self.accept("?"):
            steps: list[Step] = [Wild(), Where(self.nested(lambda: self.either(lax=False)))]
        elif self.accept("*"):
            steps = [Wild()]
        elif (text := self.take_kind("text")) is not None:
            steps = [Name(unquoted(text))]
        elif (number := self.take_kind("number")) is not None and number.lstrip("-").isdigit() and len(number) < 8:
            steps = [Index(int(number))]
        else:
            raise self.problem("a name in quotes, a whole number, * or ?")
        self.take("]")
        return steps

    def bracketed(self, *, lax: bool) -> Condition:
        """A condition in round brackets."""
        self.take("(")
        found = self.either(lax=lax)
        self.take(")")
        return found

    def either(self, *, lax: bool) -> Condition:
        """Conditions joined by ||."""
        parts = [self.all_of(lax=lax)]
        while self.accept("||"):
            parts.append(self.all_of(lax=lax))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def all_of(self, *, lax: bool) -> Condition:
        """Conditions joined by &&, which binds closer."""
        parts = [self.single(lax=lax)]
        while self.accept("&&"):
            parts.append(self.single(lax=lax))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def single(self, *, lax: bool) -> Condition:
        """A negation, a condition in brackets, or a test."""
        if self.accept("!"):
            return Not(self.nested(lambda: self.single(lax=lax)))
        if self.is_next("("):
            return self.nested(lambda: self.bracketed(lax=lax))
        if self.accept("exists", "("):
            self.take("@")
            path = self.path(lax=lax)
            self.take(")")
            return Exists(path)
        return self.test(lax=lax)

    def test(self, *, lax: bool) -> Condition:
        """A comparison, a membership, or a path that must lead somewhere."""
        left = self.operand(lax=lax)
        if self.accept("in"):
            return OneOf(left, self.literals())
        kind, word = self.tokens[self.at] if self.at < len(self.tokens) else ("", "")
        if kind == "sign" and word in RELATIONS:
            self.at += 1
            return Compare("!=" if word == "<>" else word, left, self.operand(lax=lax), lax)
        if isinstance(left, Literal):
            raise self.problem("a comparison")
        return Exists(left)

    def literals(self) -> tuple[Literal, ...]:
        """A list of values."""
        self.take("[")
        found = [self.literal()]
        while self.accept(","):
            found.append(self.literal())
        self.take("]")
        return tuple(found)

    def operand(self, *, lax: bool) -> Path | Literal:
        """One side of a comparison: a path from the node under test, or a value."""
        return self.path(lax=lax) if self.accept("@") else self.literal()

    def literal(self) -> Literal:
        """A text, a number, true, false or null."""
        if (text := self.take_kind("text")) is not None:
            return Literal(unquoted(text))
        if (number := self.take_kind("number")) is not None:
            return Literal(Decimal(number))
        for word, value in WORDS.items():
            if self.accept(word):
                return Literal(value)
        raise self.problem("a path from @, a text, a number, true, false or null")


def unquoted(text: str) -> str:
    """The text between quotes, with its escapes read."""

    def read(match: re.Match[str]) -> str:
        word = match[1]
        return chr(int(word[1:], 16)) if len(word) == 5 else ESCAPES.get(word, word)

    return ESCAPE.sub(read, text[1:-1])
