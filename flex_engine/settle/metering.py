"""Readings of a meter on their way in: what a file says, what can be wrong with a row, and how minutes become half hours.

Energy is counted in whole millionths of a Wh until a half hour is complete, and rounded to whole Wh once, half to even. A
half hour of which a part is missing is a gap and never a sum. This room knows no files, no database and no site's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final, Literal

from flex_engine.quantities import divide

Direction = Literal["IMPORT", "EXPORT"]
Quality = Literal["ACTUAL", "ESTIMATED", "SUSPECT"]
DIRECTIONS: Final[tuple[Direction, ...]] = ("IMPORT", "EXPORT")
# From the best to the worst: a half hour is as good as the worst of its parts.
QUALITIES: Final[tuple[Quality, ...]] = ("ACTUAL", "ESTIMATED", "SUSPECT")
MINUTES: Final = (1, 5, 10, 15, 30)
MICRO: Final = 1_000_000
HALF_HOUR_MIN: Final = 30
WHOLE: Final = (1 << HALF_HOUR_MIN) - 1
SHOWN_PROBLEMS: Final = 20
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class MeteringFileError(ValueError):
    """The readings as a whole cannot be read; the message says why and what to do, in plain sentences."""


class MeteringValueError(ValueError):
    """One value cannot be right: column, value, what is wrong, and what to write instead."""

    def __init__(self, column: str, value: object, problem: str, fix: str) -> None:
        super().__init__(f"{column} is {value!r}: {problem}. {fix}")
        self.column, self.value, self.problem, self.fix = column, str(value)[:80], problem, fix


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right. Row 0 is about all rows together."""

    row: int
    column: str
    value: str
    problem: str
    fix: str

    def __str__(self) -> str:
        """The problem and its fix as sentences."""
        where = f"Row {self.row}: {self.column} is {self.value!r}; " if self.row else f"{self.column}: "
        return f"{where}{self.problem}. {self.fix}"


@dataclass(slots=True)
class Problems:
    """The first problems in full, and how many there are in all."""

    first: list[Problem] = field(default_factory=list)
    total: int = 0
    rows: int = 0

    def add(self, row: int, error: MeteringValueError) -> None:
        """Count `error` of `row`, and keep it while there is room."""
        self.total += 1
        self.rows += row > 0
        if len(self.first) < SHOWN_PROBLEMS:
            self.first.append(Problem(row, error.column, error.value, error.problem, error.fix))

    @property
    def more(self) -> int:
        """How many are not among the first."""
        return self.total - len(self.first)


@dataclass(frozen=True, slots=True)
class Said:
    """What the sender said beside the rows; empty where the header says it. Nothing of it is ever guessed.

    `zone` is UTC, OFFSET (each time carries its own) or LONDON; `edge` START or END of the period a row is about;
    `minutes` how long a row's period is; `small` that values far below the site's limit are meant.
    """

    direction: str = ""
    unit: str = ""
    zone: str = ""
    edge: str = ""
    minutes: int = HALF_HOUR_MIN
    small: bool = False


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter of the site: what it measures (nothing where it may be either), from `begin` to before `end`; None is open."""

    measures: str
    begin: datetime | None = None
    end: datetime | None = None

    def covers(self, minute: int) -> bool:
        """Whether it was the site's at a minute counted from 1970."""
        at = moment(minute)
        return (self.begin is None or self.begin <= at) and (self.end is None or at < self.end)


@dataclass(frozen=True, slots=True)
class Site:
    """What readings are held against: the most the site takes in half an hour (Wh), its meters by number, and the time."""

    limit_wh: int
    msids: Mapping[str, tuple[Meter, ...]]
    now: datetime


@dataclass(frozen=True, slots=True)
class HalfHour:
    """A whole half hour from `start`, in Wh."""

    start: datetime
    wh: int
    quality: Quality


@dataclass(frozen=True, slots=True)
class Gap:
    """Half hours in a row without a whole reading: from `start`, how many, and whether a part of one is there."""

    direction: str
    start: datetime
    count: int
    partial: bool


def moment(minute: int) -> datetime:
    """The UTC time of a minute counted from 1970."""
    return EPOCH + timedelta(minutes=minute)


class Book:
    """Energy of one direction by half hour, as rows come in; memory is two whole numbers a half hour."""

    def __init__(self) -> None:
        self.seen: dict[int, int] = {}  # half hour -> row << 32 | quality << 30 | minutes covered
        self.energy: dict[int, int] = {}

    def add(self, row: int, minute: int, minutes: int, micro_wh: int, quality: int) -> None:
        """Put a part in. Raises MeteringValueError where an earlier row gave any of its minutes."""
        half, offset = divmod(minute, HALF_HOUR_MIN)
        mask = ((1 << minutes) - 1) << offset
        packed = self.seen.get(half)
        if packed is None:
            self.seen[half] = row << 32 | quality << 30 | mask
            self.energy[half] = micro_wh
            return
        if packed & mask:
            raise self.twice(half, packed, minute, minutes, micro_wh)
        worst = max(quality, packed >> 30 & 3)
        self.seen[half] = packed & ~(3 << 30) | worst << 30 | mask
        self.energy[half] += micro_wh

    def twice(self, half: int, packed: int, minute: int, minutes: int, micro_wh: int) -> MeteringValueError:
        """What is wrong with a part that is there already: the same again, another value, or an overlap."""
        start, earlier = f"{moment(minute):%Y-%m-%dT%H:%MZ}", packed >> 32
        if minutes == HALF_HOUR_MIN and packed & WHOLE == WHOLE:
            if self.energy[half] == micro_wh:
                return MeteringValueError(
                    "start", start, f"row {earlier} gives the same half hour", "Send each half hour once."
                )
            return MeteringValueError(
                "start",
                start,
                f"row {earlier} gives the same half hour with another value, and a file holds one revision of each",
                "Keep the value that is right, or send the revision in a file of its own afterwards.",
            )
        return MeteringValueError(
            "start",
            start,
            f"its {minutes} minutes overlap an earlier row of the half hour that begins with row {earlier}",
            "Send each minute once.",
        )

    def half_hours(self) -> Iterator[HalfHour]:
        """The whole half hours, in order of time, each rounded to whole Wh once."""
        for half in sorted(self.seen):
            packed = self.seen[half]
            if packed & WHOLE == WHOLE:
                wh = divide(self.energy[half], MICRO)
                yield HalfHour(moment(half * HALF_HOUR_MIN), wh, QUALITIES[packed >> 30 & 3])

    def gaps(self, direction: str) -> list[Gap]:
        """What lacks between the first and the last half hour, in order of time."""
        if not self.seen:
            return []
        span = range(min(self.seen), max(self.seen) + 1)
        lacking = [half for half in span if self.seen.get(half, 0) & WHOLE != WHOLE]
        return list(runs(direction, lacking, self.seen))


def runs(direction: str, halves: Iterable[int], seen: Mapping[int, int]) -> Iterator[Gap]:
    """Half hours in a row as one gap; those with a part apart from those with nothing."""
    for _, group in groupby(enumerate(halves), key=lambda pair: (pair[1] - pair[0], pair[1] in seen)):
        found = [half for _, half in group]
        yield Gap(direction, moment(found[0] * HALF_HOUR_MIN), len(found), found[0] in seen)


def check_energy(column: str, value: object, micro_wh: int, minutes: int, limit_wh: int) -> None:
    """Raise MeteringValueError for energy below nothing, or beyond what the site takes, naming the likely unit mistake."""
    if micro_wh < 0:
        raise MeteringValueError(
            column, value, "energy is never negative", "Send export as readings with the direction EXPORT."
        )
    most = limit_wh * MICRO * minutes
    # A fifth above the agreed limit can be an excess; beyond it, it is a mistake.
    if micro_wh * HALF_HOUR_MIN * 5 <= most * 6:
        return
    problem = f"the site takes at most {limit_wh * minutes // HALF_HOUR_MIN:,} Wh in {minutes} minutes"
    # The figure as kW instead of kWh, held against the limit in kW: twice the energy of half an hour.
    if micro_wh * 5 <= limit_wh * 2 * MICRO * 6:
        fix = "As power it would fit: send energy, which is kW times hours, and not kW."
    elif micro_wh * HALF_HOUR_MIN <= most * 1000:
        fix = "A thousand times smaller it would fit: check whether it is Wh that is called kWh, or kWh that is called MWh."
    else:
        fix = "Check the unit and the site's import limit."
    raise MeteringValueError(column, value, problem, fix)


def check_size(book: Book, limit_wh: int) -> None:
    """Raise MeteringValueError where even the largest half hour is below 0.2 % of what the site takes, and not nothing.

    A kWh that is called Wh, or an MWh that is called kWh, is a thousand times too small and breaks no limit.
    """
    whole = (energy for half, energy in book.energy.items() if book.seen[half] & WHOLE == WHOLE)
    largest = divide(max(whole, default=0), MICRO)
    if 0 < largest * 500 < limit_wh:
        raise MeteringValueError(
            "unit",
            f"{largest:,} Wh",
            f"the largest half hour is {largest:,} Wh, and the site takes up to {limit_wh:,} Wh",
            "Check whether it is kWh that is called Wh, or MWh that is called kWh. If the site was nearly idle, say that small values are meant.",
        )
