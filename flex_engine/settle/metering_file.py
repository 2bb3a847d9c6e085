"""A file of readings, CSV or Parquet, from its bytes to whole half hours: all problems counted, the first ones in words.

Rows are read one after the other and never held all at once. Row numbers are those a person sees: the header is row 1.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from flex_engine.settle.metering import (
    DIRECTIONS,
    Book,
    Gap,
    HalfHour,
    Meter,
    MeteringFileError,
    MeteringValueError,
    Problems,
    Said,
    Site,
    check_energy,
    check_size,
    moment,
)
from flex_engine.settle.metering_columns import EXAMPLE, Layout, layout_of
from flex_engine.settle.metering_ids import msid_fault
from flex_engine.settle.metering_parquet import parquet_rows
from flex_engine.settle.metering_values import (
    check_grid,
    read_day,
    read_direction,
    read_energy,
    read_minute,
    read_minutes,
    read_period,
    read_quality,
    read_unit,
)

MOST_ROWS: Final = 2_000_000
STEP: Final = 10_000  # rows between two calls of `progress`
FORMULA_MARK: Final = "'"
Cells = Sequence[Any]
Progress = Callable[[int, int, int], None]


@dataclass(frozen=True, slots=True)
class Table:
    """A header, and the rows under it with the number each has for a person."""

    header: list[str]
    rows: Iterable[tuple[int, Cells]]


@dataclass(slots=True)
class Outcome:
    """What came of reading: counts of rows, problems, and by direction the whole half hours and the gaps between them."""

    rows_read: int = 0
    rows_empty: int = 0
    problems: Problems = field(default_factory=Problems)
    half_hours: dict[str, list[HalfHour]] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    ignored: tuple[str, ...] = ()

    @property
    def rows_accepted(self) -> int:
        """Rows with a value and without a problem."""
        return self.rows_read - self.rows_empty - self.problems.rows


def open_table(content: bytes, filename: str) -> Table:
    """The table in a file. Raises MeteringFileError."""
    if content[:4] == b"PAR1":
        return Table(*parquet_rows(content, filename))
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise MeteringFileError(
            f"{filename} is neither Parquet nor UTF-8 text (byte {problem.start} is not). Save it as CSV UTF-8."
        ) from problem
    if b"\x00" in content:
        raise MeteringFileError(f"{filename} holds NUL bytes, so it is not a text file. Save it as CSV UTF-8.")
    # Read through a window: the whole text would take four bytes a letter.
    text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")
    first = next((line for line in text if line.strip()), "")
    if not first:
        raise MeteringFileError(f"{filename} is empty. {EXAMPLE}")
    text.seek(0)
    reader = csv.reader(text, delimiter=max(",;\t", key=first.count), strict=True)
    lines = csv_rows(reader, filename)
    header = next(lines, (1, ()))[1]
    return Table([str(name).strip() for name in header], lines)


def csv_rows(reader: Any, filename: str) -> Iterator[tuple[int, Cells]]:
    """The numbered lines of a CSV that are not blank, the header first. Raises MeteringFileError where it breaks off."""
    number = 0
    try:
        for row in reader:
            number += 1
            if any(row):
                yield number, row
    except csv.Error as broken:
        raise MeteringFileError(f"{filename}, row {number + 1}: {broken}. Save the file as CSV again.") from broken


def table_of(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Rows with named members as a table whose rows count from 1, as a JSON list does for a person."""
    header = list(dict.fromkeys(name for row in rows for name in row))
    return Table(header, ((number, [row.get(name) for name in header]) for number, row in enumerate(rows, 1)))


def read_readings(table: Table, said: Said, site: Site, progress: Progress | None = None) -> Outcome:
    """Read every row. Raises MeteringFileError where the table as a whole cannot be read.

    `progress(read, accepted, refused)` is called now and then and may raise to stop.
    """
    layout = layout_of(table.header, said)
    outcome = Outcome(ignored=layout.ignored)
    books: dict[str, Book] = {direction: Book() for direction in DIRECTIONS}
    for number, cells in table.rows:
        outcome.rows_read += 1
        if outcome.rows_read > MOST_ROWS:
            raise MeteringFileError(f"There are more than {MOST_ROWS:,} rows. Split the file.")
        try:
            outcome.rows_empty += not take_row(number, cells, layout, site, books)
        except MeteringValueError as error:
            outcome.problems.add(number, error)
        if progress is not None and outcome.rows_read % STEP == 0:
            progress(outcome.rows_read, outcome.rows_accepted, outcome.problems.rows)
    finish(outcome, books, said, site)
    return outcome


def finish(outcome: Outcome, books: Mapping[str, Book], said: Said, site: Site) -> None:
    """What can only be said of all rows together: too small a unit, nothing at all, half hours and gaps."""
    if outcome.rows_read == outcome.rows_empty:
        raise MeteringFileError("No row holds a value. Fill the column of values in, and send the file again.")
    if not said.small:
        try:
            check_size(books["IMPORT"], site.limit_wh)
        except MeteringValueError as error:
            outcome.problems.add(0, error)
    if not outcome.problems.total:
        for direction, book in books.items():
            outcome.half_hours[direction] = list(book.half_hours())
            outcome.gaps += book.gaps(direction)


def take_row(number: int, cells: Cells, layout: Layout, site: Site, books: Mapping[str, Book]) -> bool:
    """Put one row into the books; False for a row without a value. Raises MeteringValueError."""
    if len(cells) > layout.width:
        fix = "Quote cells that hold the separator, and write numbers with a point."
        raise MeteringValueError("row", cells[-1], f"there are {len(cells)} cells under {layout.width} columns", fix)
    filled = [one for one in layout.values if not is_empty(at(cells, one.place))]
    if not filled:
        return False
    name, shown, minute, minutes = period_of(cells, layout)
    check_grid(name, shown, minute, minutes)
    if (minute + minutes) * 60 > site.now.timestamp():
        ends = f"{moment(minute + minutes):%Y-%m-%dT%H:%MZ}"
        raise MeteringValueError(
            name, shown, f"its period ends at {ends}, which is still to come", "Send it afterwards."
        )
    quality = read_quality("quality", at(cells, layout.quality))
    meters = meters_of(cells, layout, site, minute)
    for one in filled:
        value = at(cells, one.place)
        direction = one.direction or read_direction("direction", at(cells, layout.direction))
        if meters and not {direction, ""} & {one.measures for one in meters}:
            measured = f"this meter measures {meters[0].measures}, and the row says {direction}"
            raise MeteringValueError("msid", at(cells, layout.msid), measured, "Check the meter and the direction.")
        energy = read_energy(one.name, value, one.unit or read_unit("unit", at(cells, layout.unit)))
        check_energy(one.name, value, energy, minutes, site.limit_wh)
        books[direction].add(number, minute, minutes, energy, quality)
    return True


def period_of(cells: Cells, layout: Layout) -> tuple[str, Any, int, int]:
    """(column, value, first minute, minutes) of the period a row is about. Raises MeteringValueError."""
    minutes = layout.minutes
    if layout.minutes_place is not None:
        minutes = read_minutes("minutes", at(cells, layout.minutes_place))
    begins: list[tuple[str, Any, int]] = []
    if layout.date is not None and layout.period is not None:
        period = at(cells, layout.period)
        day = read_day("date", at(cells, layout.date))
        begins.append(("period", period, read_period("period", period, day)))
    for column in (layout.start, layout.end):
        if column is not None:
            value = at(cells, column.place)
            begins.append((column.name, value, read_minute(column.name, value, column.zone)))
    if layout.end is not None:
        name, value, end = begins.pop()
        if begins and layout.start is not None:
            minutes = read_minutes(f"minutes from start to {name}", end - begins[-1][2])
        begins.append((name, value, end - minutes))
    first = begins[0]
    for name, value, minute in begins[1:]:
        if minute != first[2]:
            said = (
                f"it is {moment(minute):%Y-%m-%dT%H:%MZ}, and {first[0]} {first[1]} begins at {moment(first[2]):%H:%MZ}"
            )
            raise MeteringValueError(name, value, said, "Let both say the same period.")
    return first[0], first[1], first[2], minutes


def meters_of(cells: Cells, layout: Layout, site: Site, minute: int) -> tuple[Meter, ...]:
    """The meter a row names as the site had it then, or nothing. Raises MeteringValueError for one it had not."""
    if layout.msid is None:
        return ()
    text = str(at(cells, layout.msid) or "").strip().lstrip(FORMULA_MARK)
    fault = msid_fault(text)
    if fault:
        raise MeteringValueError("msid", text, f"this number {fault}", "Write the 13 digits of the meter.")
    if text not in site.msids:
        known = ", ".join(sorted(site.msids)) or "none"
        raise MeteringValueError("msid", text, "this meter is not one of the site", f"The site's meters are {known}.")
    found = tuple(one for one in site.msids[text] if one.covers(minute))
    if not found:
        then = f"it was not registered for the site at {moment(minute):%Y-%m-%dT%H:%MZ}"
        raise MeteringValueError("msid", text, then, "Check the meter and the day, or register it from that day on.")
    return found


def at(cells: Cells, place: int | None) -> Any:
    """The cell at `place`; None where the row or the file has none."""
    return cells[place] if place is not None and place < len(cells) else None


def is_empty(cell: Any) -> bool:
    """Whether nothing stands in a cell."""
    return cell is None or cell == "" or (isinstance(cell, str) and not cell.strip())
