"""Simulated counterparties: what a made-up one of them receives, and how chance is drawn without order or clock.

There is one room a counterparty: counterparties_ecvaa, _svaa, _saa, _supplier and _meter. All are pure: the same seed and the
same words give the same answer, whatever else was asked before. Whatever they say is SIMULATED and must be shown so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from flex_engine.quantities import Label

LABEL = Label.SIMULATED


@dataclass(frozen=True, slots=True)
class Filed:
    """A file as it came in: the name it was sent under, its bytes and when."""

    key: str
    raw: bytes
    at: datetime


def draw(seed: int, *words: object, below: int) -> int:
    """A number in [0, below) that depends on the seed and the words alone.

    >>> draw(1, "V__CACO001", 3, below=1000) == draw(1, "V__CACO001", 3, below=1000)
    True
    """
    text = "\x1f".join(str(word) for word in (seed, *words))
    return int.from_bytes(sha256(text.encode()).digest()[:8]) % below


def happens(seed: int, *words: object, per_mille: int) -> bool:
    """Whether something that befalls `per_mille` of 1,000 befalls these words."""
    return draw(seed, *words, below=1000) < per_mille


def in_order(files: Iterable[Filed]) -> list[Filed]:
    """Files by arrival, those of one moment by name."""
    return sorted(files, key=lambda one: (one.at, one.key))
