"""What an expression is made of: steps from node to node, and the conditions that keep or drop a node."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Value = str | int | Decimal | bool | None


class JSONPathError(ValueError):
    """An expression outside the grammar, or one that asks for more work than it may. The text says which part and why."""


@dataclass(frozen=True, slots=True)
class Name:
    """The member of that name."""

    name: str


@dataclass(frozen=True, slots=True)
class Index:
    """The list's item of that number; negative numbers count from the end."""

    at: int


@dataclass(frozen=True, slots=True)
class Wild:
    """Every item of a list, every member of an object."""


@dataclass(frozen=True, slots=True)
class Deep:
    """The node and everything under it."""


@dataclass(frozen=True, slots=True)
class Where:
    """Only nodes for which the condition holds."""

    condition: Condition


Step = Name | Index | Wild | Deep | Where


@dataclass(frozen=True, slots=True)
class Path:
    """Steps from a node. `lax` (SQL/JSON): lists are looked into, and a missing value differs from nothing."""

    steps: tuple[Step, ...]
    lax: bool = False


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written in the expression."""

    value: Value


@dataclass(frozen=True, slots=True)
class Exists:
    """Whether the path leads anywhere."""

    path: Path


@dataclass(frozen=True, slots=True)
class Compare:
    """Whether any value on the left stands in relation `op` to any on the right."""

    op: str
    left: Path | Literal
    right: Path | Literal
    lax: bool


@dataclass(frozen=True, slots=True)
class OneOf:
    """Whether any value on the left is one of the list."""

    left: Path | Literal
    among: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    inner: Condition


@dataclass(frozen=True, slots=True)
class All:
    """Every one of them."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of them."""

    parts: tuple[Condition, ...]


Condition = Exists | Compare | OneOf | Not | All | Either
Json = Any
