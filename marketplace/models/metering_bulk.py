"""Write many readings at once: COPY on PostgreSQL, one prepared statement on SQLite. No row becomes an object on its way.

Rows are written as they are given, inside the caller's transaction; the database's constraints judge them as always.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

BATCH = 20_000


def write_rows(
    model: type[models.Model], fields: Sequence[str], rows: Iterable[Sequence[Any]], *, using: str = "default"
) -> None:
    """Insert `rows`, each the values of `fields` (attribute names such as site_id) in their order."""
    connection = connections[using]
    by_name = {field.attname: field for field in model._meta.concrete_fields}
    found = [by_name[name] for name in fields]
    columns = ", ".join(connection.ops.quote_name(field.column) for field in found if field.column)
    table = connection.ops.quote_name(model._meta.db_table)
    if connection.vendor == "postgresql":
        copy_rows(connection, f"COPY {table} ({columns}) FROM STDIN", rows)
        return
    marks = ", ".join(["%s"] * len(fields))
    # A driver takes numbers and text as they are; only moments are written in a form of the database's own.
    moments = [place for place, field in enumerate(found) if isinstance(field, models.DateTimeField)]
    adapt = lru_cache(maxsize=4)(connection.ops.adapt_datetimefield_value)  # known_at is the same in every row
    with connection.cursor() as cursor:
        for batch in batches(rows):
            written = [list(row) for row in batch]
            for row in written:
                for place in moments:
                    row[place] = adapt(row[place])
            # Names come from the model, values go as parameters.
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", written)  # noqa: S608


def copy_rows(connection: BaseDatabaseWrapper, statement: str, rows: Iterable[Sequence[Any]]) -> None:
    """Stream `rows` to the server."""
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def batches(rows: Iterable[Sequence[Any]]) -> Iterable[list[Sequence[Any]]]:
    """`rows` in lists of at most BATCH."""
    batch: list[Sequence[Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
