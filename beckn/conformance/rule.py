"""A rule and its verdict: what is asked of a participant, in one sentence, and how it came out."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beckn.conformance.speech import ALL

if TYPE_CHECKING:
    from beckn.conformance.kit import Kit

BOTH = frozenset({"bpp", "bap"})
BPP = frozenset({"bpp"})


class Failed(Exception):  # noqa: N818 - a verdict, not a fault of ours
    """The participant broke the rule; the text says what it did."""


class NotTested(Exception):  # noqa: N818 - a verdict, not a fault of ours
    """The rule could not be put to the test. `by_choice`: whoever runs the kit did not ask for it."""

    def __init__(self, why: str, *, by_choice: bool = False) -> None:
        super().__init__(why)
        self.by_choice = by_choice


class Outcome(enum.StrEnum):
    """How a rule came out."""

    PASS = "PASS"  # noqa: S105 - a verdict
    FAIL = "FAIL"
    NOT_TESTED = "NOT TESTED"


@dataclass(frozen=True, slots=True)
class Rule:
    """`run` returns when the rule holds, and raises Failed or NotTested when it does not or cannot be told."""

    id: str
    sentence: str
    run: Callable[[Kit], None]
    profiles: frozenset[str] = ALL
    roles: frozenset[str] = BOTH


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule came to. `why` is empty for a PASS; `by_choice` marks a NOT TESTED that nobody asked for."""

    rule: Rule
    outcome: Outcome
    seconds: float
    why: str = ""
    by_choice: bool = False
