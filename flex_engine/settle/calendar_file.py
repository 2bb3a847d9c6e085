"""The published Settlement Calendar as a CSV file: settlement date, run and the day it is due. Read whole, or not at all.

It reads text and knows no database. What is wrong is said row by row: row, column, value, what is wrong and what to do.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from flex_engine.settle.settlement_calendar import runs

COLUMNS = ("settlement_date", "run", "due_date")
MOST_ROWS = 200_000  # 28 years of days with seven runs are 72,000
Rows = dict[tuple[date, str], date]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `row` counts lines of the file from 1, the header's line included."""

    row: int
    column: str
    value: str
    wrong: str
    fix: str

    def __str__(self) -> str:
        return f"row {self.row}, column {self.column}: {self.value!r} {self.wrong}. {self.fix}"


def read_calendar(text: str) -> tuple[Rows, list[Problem]]:
    """(due dates by settlement date and run, problems). Rows are to be used only where there is no problem.

    >>> rows, problems = read_calendar("settlement_date,run,due_date\\n2026-01-15,SF,2026-02-06\\n")
    >>> rows[date(2026, 1, 15), "SF"], problems
    (datetime.date(2026, 2, 6), [])
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    found: Rows = {}
    lines: dict[tuple[date, str], int] = {}
    problems: list[Problem] = []
    try:
        header = [str(name).strip().lower() for name in reader.fieldnames or []]
        missing = [name for name in COLUMNS if name not in header]
        if missing:
            fix = f"Name the columns {', '.join(COLUMNS)} in the first line."
            return {}, [Problem(1, ", ".join(missing), ",".join(header)[:80], "lacks these columns", fix)]
        reader.fieldnames = header
        for row in reader:
            read_row(row, reader.line_num, found, lines, problems)
            if len(found) > MOST_ROWS:
                said = f"is beyond {MOST_ROWS:,} rows"
                return {}, [Problem(reader.line_num, "settlement_date", "", said, "Split the file by years.")]
    except csv.Error as problem:
        return {}, [Problem(reader.line_num + 1, "", "", f"is no CSV: {problem}", "Save it as comma-separated text.")]
    problems += out_of_order(found, lines)
    if not found and not problems:
        fix = "Give one row for each settlement date and run."
        problems.append(Problem(1, "settlement_date", "", "has no row under the header", fix))
    return found, sorted(problems, key=lambda one: one.row)


def read_row(
    row: Mapping[str, str | None], line: int, found: Rows, lines: dict[tuple[date, str], int], problems: list[Problem]
) -> None:
    """Add one row, or what is wrong with it."""
    cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
    wrong = list(faults(cells, line))
    if wrong:
        problems += wrong
        return
    key, due = (
        (date.fromisoformat(cells["settlement_date"]), cells["run"].upper()),
        date.fromisoformat(cells["due_date"]),
    )
    if key in found and found[key] != due:
        said = f"is another day than row {lines[key]} gives for run {key[1]} of {key[0]}"
        problems.append(Problem(line, "due_date", cells["due_date"], said, "Keep one of the two."))
    found.setdefault(key, due)
    lines.setdefault(key, line)


def faults(cells: Mapping[str, str], line: int) -> Iterator[Problem]:
    """What is wrong with the cells of one row."""
    days = {}
    for name in ("settlement_date", "due_date"):
        try:
            days[name] = date.fromisoformat(cells[name])
        except ValueError:
            yield Problem(line, name, cells[name][:40], "is no date", "Write it like 2026-01-15.")
    if cells["run"].upper() not in runs():
        yield Problem(line, "run", cells["run"][:40], "is no settlement run", f"Write one of {', '.join(runs())}.")
    if len(days) == 2 and days["due_date"] <= days["settlement_date"]:
        yield Problem(
            line, "due_date", cells["due_date"], "is not after its settlement date", "Give the day the run is due."
        )


def out_of_order(found: Rows, lines: Mapping[tuple[date, str], int]) -> Iterator[Problem]:
    """Runs of one settlement date that are not due one after another."""
    by_day: dict[date, list[str]] = {}
    for day, run in found:
        by_day.setdefault(day, []).append(run)
    for day, named in by_day.items():
        for earlier, later in pairwise(sorted(named, key=runs().index)):
            if found[day, later] <= found[day, earlier]:
                said = f"is not after {found[day, earlier]}, when run {earlier} of {day} is due"
                yield Problem(lines[day, later], "due_date", str(found[day, later]), said, "Check both rows.")
