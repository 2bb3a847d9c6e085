"""Versions of a half-hourly series, each with the moment it became known, and the one way to read them: as known at a decision.

A training row that knows more than its decision time makes every figure of a back-test worthless. So nothing here hands out
a value without a decision, and no value known after it can come back. Times are counted from 1970 in UTC: half hours for
what a value is about, minutes for when it became known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from flex_engine.grid.features import Array, Index
from flex_engine.series import HalfHourly
from flex_engine.timegrid import HALF_HOUR, floor_half_hour, utc

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SLOT_MINUTES = 30
SPAN = 1 << 32  # more minutes than this century holds: one key orders targets first, knowledge second


@dataclass(frozen=True, slots=True)
class Vintages:
    """Every version of one series. Make it with `of`, which sorts; `keys` rise, target first and knowledge second."""

    name: str
    unit: str
    keys: Index
    values: Array

    @classmethod
    def of(cls, name: str, unit: str, targets: Index, known: Index, values: Array) -> Vintages:
        """From half hours, minutes of knowledge and values, in any order. Of two versions known at once the later given wins.

        Raises ValueError when the three differ in length or a value is not finite.
        """
        if not targets.shape == known.shape == values.shape or targets.ndim != 1:
            raise ValueError(
                f"{name} has {targets.size} targets, {known.size} times of knowledge and {values.size} values"
            )
        if not np.isfinite(values).all():
            raise ValueError(f"{name} holds a value that is not finite; leave the version out")
        keys = targets.astype(np.int64) * SPAN + known.astype(np.int64)
        order = np.argsort(keys, kind="stable")
        return cls(name, unit, keys[order], values[order].astype(np.float64))

    @classmethod
    def read(cls, name: str, unit: str, rows: Iterable[tuple[datetime, datetime, float]]) -> Vintages:
        """From (start of the half hour, known at, value)."""
        found = list(rows)
        targets = np.array([slot(start) for start, _, _ in found], dtype=np.int64)
        known = np.array([minute(known_at) for _, known_at, _ in found], dtype=np.int64)
        return cls.of(name, unit, targets, known, np.array([value for _, _, value in found], dtype=np.float64))

    @classmethod
    def of_history(cls, history: HalfHourly) -> Vintages:
        """A measured series, each half hour known from its end."""
        first = slot(history.start)
        targets = np.arange(first, first + len(history.values), dtype=np.int64)
        known = (targets + 1) * SLOT_MINUTES
        return cls.of(history.name, history.unit, targets, known, np.array(history.values, dtype=np.float64))

    def as_known(self, decisions: Index, targets: Index) -> Array:
        """The newest version of each target that was known at its decision; NaN where there was none.

        `decisions` (minutes) and `targets` (half hours) are broadcast against each other.
        """
        decided, wanted = np.broadcast_arrays(decisions, targets)
        if not self.keys.size:
            return np.full(wanted.shape, np.nan)
        at = np.searchsorted(self.keys, wanted * SPAN + decided, side="right") - 1
        held = (at >= 0) & (self.keys[at] // SPAN == wanted)
        return np.where(held, self.values[at], np.nan)

    def known_by(self, decision: int) -> tuple[Index, Array]:
        """Every version (keys and values) that was known at half hour `decision`."""
        held = self.keys % SPAN <= decision * SLOT_MINUTES
        return self.keys[held], self.values[held]


def slot(start: datetime) -> int:
    """Half hours from 1970 to `start`. Raises ValueError off the half hour."""
    if floor_half_hour(start) != start:
        raise ValueError(f"{start.isoformat()} is not on the half hour")
    return (utc(start) - EPOCH) // HALF_HOUR


def minute(moment: datetime) -> int:
    """Whole minutes from 1970 to `moment`, rounded up: nothing is known before it was."""
    return -((EPOCH - utc(moment)) // MINUTE)
