"""A simulated ECVAA: takes position notifications, never says that one is accepted, and answers only with exceptions.

Silence is all a correct file gets, as in the real flow, where E0521 is the one negative signal and there is no positive one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from flex_engine.settle.position import MOST_REASON, Position, PositionFileError, read
from flex_engine.settle.settlement_calendar import gate_closure
from flex_engine.simulate.counterparties import LABEL, Filed, happens, in_order
from flex_engine.timegrid import settlement_period


@dataclass(frozen=True, slots=True)
class FileException:
    """An E0521-like exception. `start` and `unit` are None where the file could not be read so far."""

    key: str
    unit: str | None
    start: datetime | None
    reason: str
    label: str = LABEL


@dataclass(frozen=True, slots=True)
class Book:
    """What the counterparty holds after some files: the position of each (unit, start), and its exceptions."""

    held: Mapping[tuple[str, datetime], Position]
    exceptions: tuple[FileException, ...]


@dataclass(frozen=True, slots=True)
class Ecvaa:
    """`units` are those it knows. `exceptions_per_mille` of the correct files get an exception all the same, by seed and key."""

    units: frozenset[str]
    seed: int = 0
    exceptions_per_mille: int = 0
    refused_keys: frozenset[str] = field(default_factory=frozenset)

    def hear(self, filed: Filed, held: Position | None = None) -> FileException | None:
        """An exception, or silence. `held` is what it holds for the file's unit and period."""
        try:
            told = read(filed.raw)
        except PositionFileError as problem:
            return FileException(filed.key, None, None, str(problem)[:MOST_REASON])
        reason = self.reason(filed, told, held)
        return FileException(filed.key, told.unit, told.start, reason[:MOST_REASON]) if reason else None

    def reason(self, filed: Filed, told: Position, held: Position | None) -> str:
        """Why a readable file is not taken; empty when it is."""
        _, period = settlement_period(told.start)
        if told.unit not in self.units:
            return f"BM unit {told.unit} is not known."
        if filed.at >= gate_closure(told.start):
            return f"Gate was closed for settlement period {period}."
        if held is not None and told.revision < held.revision:
            return f"Revision {told.revision} came after revision {held.revision}."
        if held is not None and told.revision == held.revision and told != held:
            return f"Revision {told.revision} came twice with different contents."
        by_chance = happens(self.seed, filed.key, per_mille=self.exceptions_per_mille)
        if filed.key in self.refused_keys or by_chance:
            return "The file could not be applied; submit it again."
        return ""

    def book(self, files: Iterable[Filed]) -> Book:
        """Every file heard in the order of arrival. A file that comes twice changes nothing."""
        held: dict[tuple[str, datetime], Position] = {}
        exceptions = []
        for filed in in_order(files):
            told = try_read(filed.raw)
            before = held.get((told.unit, told.start)) if told else None
            found = self.hear(filed, before)
            if found is not None:
                exceptions.append(found)
            elif told is not None:
                held[told.unit, told.start] = told
        return Book(held, tuple(exceptions))


def try_read(raw: bytes) -> Position | None:
    """The position a file tells, or None for one that cannot be read."""
    try:
        return read(raw)
    except PositionFileError:
        return None
