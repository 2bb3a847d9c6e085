"""The rows of a Parquet file of readings, in batches. The one room of settlement that opens pyarrow: it hands cells on and counts nothing.

A double comes out as Python writes it, and is read from that text as a decimal: no sum of it is ever taken here.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, Final

from flex_engine.settle.metering import MeteringFileError

BATCH: Final = 50_000


def parquet_rows(content: bytes, filename: str) -> tuple[list[str], Iterator[tuple[int, tuple[Any, ...]]]]:
    """(header, numbered rows; the first under the header is row 2). Raises MeteringFileError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(content))
    except pa.ArrowException as problem:
        raise MeteringFileError(f"{filename} is a damaged Parquet file. Write it again.") from problem

    def rows() -> Iterator[tuple[int, tuple[Any, ...]]]:
        number = 1
        try:
            for batch in file.iter_batches(batch_size=BATCH):
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    number += 1
                    yield number, row
        except (pa.ArrowException, OSError) as problem:
            raise MeteringFileError(f"{filename} is a damaged Parquet file. Write it again.") from problem

    return list(file.schema_arrow.names), rows()
