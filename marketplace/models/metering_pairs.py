"""No meter stands in two pairs on one day: an exclusion constraint on PostgreSQL, triggers on SQLite.

Effective-dated, and across sites and organisations: two sellers with one meter would both be paid for it. PostgreSQL's ranges
need no extension, so 13 digits are compared as a range of one number. SQLite has one writer at a time, which makes a trigger
as good. A migration that rebuilds the table on SQLite has to call `arm` again.
"""

from __future__ import annotations

from typing import Final

from django.db.backends.base.base import BaseDatabaseWrapper

TABLE: Final = "marketplace_msidpair"
METERS: Final = ("import_msid", "export_msid", "amsid")
NAME: Final = "one_{meter}_in_one_pair_at_a_time"
POSTGRES: Final = (
    "ALTER TABLE {table} ADD CONSTRAINT {name} EXCLUDE USING gist ("
    "int8range(CAST({meter} AS bigint), CAST({meter} AS bigint), '[]') WITH &&, "
    "daterange(effective_from, effective_to) WITH &&) WHERE ({meter} <> '')"
)
SQLITE: Final = (
    "CREATE TRIGGER {name}_{event} BEFORE {event} ON {table} WHEN NEW.{meter} <> '' AND EXISTS ("
    "SELECT 1 FROM {table} AS other WHERE other.{meter} = NEW.{meter} AND other.id IS NOT {self} "
    "AND other.effective_from < COALESCE(NEW.effective_to, '9999-12-31') "
    "AND NEW.effective_from < COALESCE(other.effective_to, '9999-12-31')) "
    "BEGIN SELECT RAISE(ABORT, '{name}'); END"
)


def arm(connection: BaseDatabaseWrapper) -> None:
    """Put the constraints up."""
    with connection.cursor() as cursor:
        for meter in METERS:
            words = {"table": TABLE, "meter": meter, "name": NAME.format(meter=meter)}
            if connection.vendor == "postgresql":
                cursor.execute(POSTGRES.format(**words))
            else:
                cursor.execute(SQLITE.format(event="INSERT", self="NULL", **words))
                cursor.execute(SQLITE.format(event="UPDATE", self="NEW.id", **words))


def disarm(connection: BaseDatabaseWrapper) -> None:
    """Take the constraints down; only for undoing the migration."""
    with connection.cursor() as cursor:
        for meter in METERS:
            name = NAME.format(meter=meter)
            if connection.vendor == "postgresql":
                cursor.execute(f"ALTER TABLE {TABLE} DROP CONSTRAINT {name}")
            else:
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}_INSERT")
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}_UPDATE")
