"""Insert new rows by one prepared statement: for the few tables that every effect writes to, where compiling takes the time.

Each field prepares its value as it always does, and the database's constraints judge the rows as always. A key that the
database makes is not read back.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import connection, models


def insert_rows(rows: Sequence[models.Model]) -> None:
    """Insert new objects of one model, in their order, inside the caller's transaction."""
    if not rows:
        return
    sql, fields = statement(type(rows[0]), connection.vendor)
    values = [[field.get_db_prep_save(field.pre_save(one, True), connection) for field in fields] for one in rows]
    with connection.cursor() as cursor:
        if len(values) == 1:
            cursor.execute(sql, values[0])
        else:
            cursor.executemany(sql, values)
    for one in rows:
        one._state.adding, one._state.db = False, connection.alias


@cache
def statement(model: type[models.Model], vendor: str) -> tuple[str, tuple[models.Field[Any, Any], ...]]:  # noqa: ARG001 - quoting is the engine's
    """The statement, and the fields whose values it takes."""
    fields = tuple(one for one in model._meta.local_concrete_fields if not isinstance(one, models.AutoField))
    quoted = connection.ops.quote_name
    columns = ", ".join(quoted(str(one.column)) for one in fields)
    marks = ", ".join(["%s"] * len(fields))
    # Names come from the model, values go as parameters.
    return f"INSERT INTO {quoted(model._meta.db_table)} ({columns}) VALUES ({marks})", fields  # noqa: S608
