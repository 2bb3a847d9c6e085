"""A file of meter readings on its way in: how far it is, what is wrong with it, what it holds and what lacks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from marketplace.models import MeterFile

WORDS = {
    "direction": {"": "as the header says", "IMPORT": "import", "EXPORT": "export"},
    "unit": {"": "as the header says"},
    "zone": {"": "as the header says, else each time's own", "OFFSET": "each time's own", "LONDON": "London", "UTC": "UTC"},
    "edge": {"": "as the header says", "START": "times begin their periods", "END": "times end their periods"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FileProblem:
    """One problem. Row 0 is about all rows together."""

    row: int
    column: str
    value: str
    problem: str
    fix: str


@dataclass(frozen=True, slots=True)
class FileGap:
    """Half hours in a row that are not in the file, or only in part."""

    direction: str
    start: datetime
    count: int
    partial: bool


@dataclass(frozen=True, slots=True)
class MeterFilePage:
    """One file."""

    file: MeterFile
    state_name: str
    waiting: bool
    done: bool
    elapsed: timedelta
    share: float
    said: tuple[tuple[str, str], ...]
    problems: tuple[FileProblem, ...]
    more_problems: int
    gaps: tuple[FileGap, ...]


def meter_file_page(file: MeterFile, now: datetime) -> MeterFilePage:
    """The page of `file`, whose bytes are not needed."""
    return MeterFilePage(
        file=file,
        state_name=file.get_state_display(),
        waiting=file.state in {MeterFile.State.RECEIVED, MeterFile.State.READING},
        done=file.state == MeterFile.State.IMPORTED,
        elapsed=max((file.ended_at or now) - file.created_at, timedelta(0)),
        share=min(1.0, file.rows_read / file.rows_total) if file.rows_total else 0.0,
        said=said_words(file),
        problems=tuple(FileProblem(**one) for one in file.problems),
        more_problems=file.problems_total - len(file.problems),
        gaps=tuple(
            FileGap(one["direction"], datetime.fromisoformat(one["start"]), one["count"], one["partial"])
            for one in file.gaps
        ),
    )


def said_words(file: MeterFile) -> tuple[tuple[str, str], ...]:
    """What the sender said beside the file, in words."""
    found = [
        (name.capitalize(), words.get(file.said.get(name, ""), str(file.said.get(name, ""))))
        for name, words in WORDS.items()
    ]
    return (*found, ("Period", f"{file.said.get('minutes', 30)} minutes"))
