"""A database trigger that refuses to change an issued forecast, on SQLite and PostgreSQL.

What was forecast is evidence of what was known: a better forecast is another row. A migration that rebuilds the table on
SQLite drops the trigger and must call `arm` again.
"""

from __future__ import annotations

from typing import Final

from django.db.backends.base.base import BaseDatabaseWrapper

TABLE: Final = "marketplace_forecast"
NAME: Final = f"{TABLE}_stands"
SAYS: Final = "an issued forecast is never changed"
ARMING: Final = {
    "sqlite": (
        f"DROP TRIGGER IF EXISTS {NAME}",
        f"CREATE TRIGGER {NAME} BEFORE UPDATE ON {TABLE} BEGIN SELECT RAISE(ABORT, '{SAYS}'); END",
    ),
    "postgresql": (
        f"DROP TRIGGER IF EXISTS {NAME} ON {TABLE}",
        f"CREATE OR REPLACE FUNCTION {NAME}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE EXCEPTION '{SAYS}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        f"CREATE TRIGGER {NAME} BEFORE UPDATE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION {NAME}()",
    ),
}
DISARMING: Final = {
    "sqlite": (f"DROP TRIGGER IF EXISTS {NAME}",),
    "postgresql": (f"DROP FUNCTION IF EXISTS {NAME}() CASCADE",),
}


def arm(connection: BaseDatabaseWrapper) -> None:
    """Put the trigger up, in place of an older one."""
    with connection.cursor() as cursor:
        for statement in ARMING[connection.vendor]:
            cursor.execute(statement)


def disarm(connection: BaseDatabaseWrapper) -> None:
    """Take the trigger down; only for undoing the migration."""
    with connection.cursor() as cursor:
        for statement in DISARMING[connection.vendor]:
            cursor.execute(statement)
