"""Open a table file: find its format, unpack it within limits, and give its header and rows as plain cells."""

from __future__ import annotations

import csv
import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MOST_BYTES = 200 * 1024 * 1024  # unpacked; a gzip or Parquet file can claim a thousand times its size


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be told apart into cells; the rows around it can."""

    value: str
    problem: str
    fix: str


Row = tuple[int, dict[str, Any] | BadRow]
Table = tuple[list[str], Iterator[Row]]


class UnreadableFileError(ValueError):
    """The file as a whole cannot be read; the message is one plain sentence."""


def rows_of(content: bytes, filename: str, *, max_rows: int) -> Table:
    """(header, numbered rows) of a CSV, JSONL or Parquet file, gzip or not. Raises UnreadableFileError."""
    if content[:2] == b"\x1f\x8b":
        content = unpack(content, filename)
    if not content.strip():
        raise UnreadableFileError(f"{filename} is empty.")
    if content[:4] == b"PAR1":
        return parquet_rows(content, filename, max_rows)
    written = decode(content, filename)
    if written.lstrip()[:1] == "{":
        return json_rows(written, filename, max_rows)
    if written.lstrip()[:1] == "[":
        raise UnreadableFileError(f"{filename} is a JSON list; write one JSON object a line (JSONL) instead.")
    return csv_rows(written, filename, max_rows)


def unpack(content: bytes, filename: str) -> bytes:
    """Gunzip, refusing more than MOST_BYTES."""
    machine = zlib.decompressobj(wbits=31)
    try:
        plain = machine.decompress(content, MOST_BYTES + 1)
    except zlib.error as problem:
        raise UnreadableFileError(f"{filename} is a damaged gzip file.") from problem
    if len(plain) > MOST_BYTES:
        raise UnreadableFileError(f"{filename} unpacks to more than {MOST_BYTES // 2**20} MB; split it.")
    if not machine.eof:
        raise UnreadableFileError(f"{filename} is a gzip file that ends too early.")
    return plain


def decode(content: bytes, filename: str) -> str:
    """UTF-8 text, with or without a byte-order mark."""
    try:
        written = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise UnreadableFileError(
            f"{filename} is not UTF-8 text (byte {problem.start} is not); save it as CSV UTF-8."
        ) from problem
    if "\x00" in written:
        raise UnreadableFileError(f"{filename} holds NUL bytes, so it is not a text file.")
    return written


def csv_rows(written: str, filename: str, max_rows: int) -> Table:
    """Rows of a CSV with a header; the separator is the comma, semicolon or tab its header uses most."""
    first = written.lstrip().split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(written.lstrip("\r\n")), delimiter=separator, strict=True)
    try:
        header = [name.strip() for name in next(reader)]
    except (StopIteration, csv.Error) as problem:
        raise UnreadableFileError(f"{filename} has no readable header line.") from problem
    if len(set(header)) != len(header):
        raise UnreadableFileError(f"{filename} names a column twice in its header.")

    def cells() -> Iterator[Row]:
        number = 1
        try:
            for row in reader:
                number += 1
                if not any(cell.strip() for cell in row):
                    continue
                too_many(number - 1, max_rows, filename)
                # A short row's missing cells are empty, and read as such; a long row's extra cells would shift meaning.
                if len(row) > len(header):
                    problem = f"there are {len(row)} cells under {len(header)} columns"
                    yield number, BadRow(separator.join(row), problem, "Quote cells that hold the separator.")
                else:
                    yield number, dict(zip(header, row, strict=False))
        except csv.Error as broken:
            raise UnreadableFileError(f"{filename}, row {number + 1}: {broken}.") from broken

    return header, cells()


def json_rows(written: str, filename: str, max_rows: int) -> Table:
    """Rows of a JSONL file: one flat object a line."""
    rows: list[Row] = []
    header: dict[str, None] = {}
    for number, line in enumerate(written.splitlines(), 1):
        if not line.strip():
            continue
        too_many(number, max_rows, filename)
        try:
            row = json.loads(line, parse_constant=refuse_constant)
        except (ValueError, RecursionError) as problem:
            rows.append((number, BadRow(line, f"this is not JSON ({problem})", "Write one JSON object a line.")))
            continue
        if not isinstance(row, dict):
            rows.append((number, BadRow(line, "this is not a JSON object", "Write one JSON object a line.")))
            continue
        header |= dict.fromkeys(row)
        rows.append(
            (number, {key: str(value).lower() if isinstance(value, bool) else value for key, value in row.items()})
        )
    return list(header), iter(rows)


def refuse_constant(name: str) -> float:
    """NaN and Infinity are not JSON."""
    raise ValueError(f"{name} is not a number")


def parquet_rows(content: bytes, filename: str, max_rows: int) -> Table:
    """Rows of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(content))
        size = sum(file.metadata.row_group(i).total_byte_size for i in range(file.metadata.num_row_groups))
        too_many(file.metadata.num_rows, max_rows, filename)
        if size > MOST_BYTES:
            raise UnreadableFileError(f"{filename} unpacks to more than {MOST_BYTES // 2**20} MB; split it.")
        table = file.read()
    except pa.ArrowException as problem:
        raise UnreadableFileError(f"{filename} is a damaged Parquet file.") from problem
    header = list(table.column_names)
    cells = (row for batch in table.to_batches() for row in batch.to_pylist())
    return header, ((number, row) for number, row in enumerate(cells, 2))


def too_many(count: int, max_rows: int, filename: str) -> None:
    """Raise when a file holds more rows than allowed."""
    if count > max_rows:
        raise UnreadableFileError(f"{filename} has more than {max_rows:,} rows; split it.")
