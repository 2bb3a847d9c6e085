"""What every CSV export shares: UTC times, and cells that no spreadsheet runs as a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

# A spreadsheet treats a cell that begins with one of these as a formula (OWASP, CSV injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def utc_text(moment: datetime) -> str:
    """`moment` in UTC with Z and whole seconds."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def safe_cell(value: object) -> object:
    """A text that would be read as a formula gets a leading apostrophe; numbers pass.

    >>> safe_cell("=1+1"), safe_cell("-3.5"), safe_cell("job-7")
    ("'=1+1", '-3.5', 'job-7')
    """
    if not isinstance(value, str) or not value.startswith(FORMULA_STARTS):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


class Echo:
    """A file that hands each written line straight back, so that csv can feed a stream."""

    def write(self, line: str) -> str:
        """The line itself."""
        return line


def csv_lines(header: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """The lines of a file with `rows` under `header`."""
    writer = csv.writer(Echo())
    yield writer.writerow(header)
    for row in rows:
        yield writer.writerow([safe_cell(cell) for cell in row])
