"""Database triggers that refuse to change or delete an event or an entry, on SQLite and PostgreSQL.

They stop mistakes and faulty code, also at a database prompt. They do not stop an owner of the database, who can drop
them: what such a person changes is found by the hashes and by the contract. Migration 0002 puts them up; ledger_verify
says when one is missing (SQLite drops a table's triggers when a migration rebuilds the table).
"""

from __future__ import annotations

from typing import Final

from django.db.backends.base.base import BaseDatabaseWrapper

# Each table with the columns that identify a row: SQLite's INSERT OR REPLACE deletes the old row past delete triggers.
TABLES: Final = {"marketplace_event": ("id",), "marketplace_ledgerentry": ("seq", "event_id", "leaf_hash")}
SAYS: Final = "the log is append-only"
SQLITE: Final = (
    "CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{says}: {table}'); END",
    "CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, '{says}: {table}'); END",
    "CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) "
    "BEGIN SELECT RAISE(ABORT, '{says}: {table}'); END",
)
POSTGRES_FUNCTION: Final = (
    "CREATE OR REPLACE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "RAISE EXCEPTION '{says}: {table}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
)
POSTGRES: Final = (
    POSTGRES_FUNCTION,
    "CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
    "FOR EACH ROW EXECUTE FUNCTION {table}_append_only()",
    "CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()",
)
NAMES: Final = {
    "sqlite": ("{table}_no_update", "{table}_no_delete", "{table}_no_replace"),
    "postgresql": ("{table}_no_change", "{table}_no_truncate"),
}


def arm(connection: BaseDatabaseWrapper) -> None:
    """Put every trigger up that is missing."""
    absent = set(missing(connection))
    with connection.cursor() as cursor:
        for table, keys in TABLES.items():
            same = " OR ".join(f"{key} = NEW.{key}" for key in keys)
            for statement in SQLITE if connection.vendor == "sqlite" else POSTGRES:
                made = statement.format(table=table, says=SAYS, same=same)
                if not made.startswith("CREATE TRIGGER") or made.split()[2] in absent:
                    cursor.execute(made)


def disarm(connection: BaseDatabaseWrapper) -> None:
    """Take the triggers down. Only for undoing the migration, and for a test runner that empties its own tables."""
    with connection.cursor() as cursor:
        for table in TABLES:
            if connection.vendor == "sqlite":
                for name in trigger_names(connection, table):
                    cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
            else:
                cursor.execute(f"DROP FUNCTION IF EXISTS {table}_append_only() CASCADE")


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """The triggers that should be there and are not, or are switched off."""
    standing = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if connection.vendor == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A') AND NOT tgisinternal"
    )
    with connection.cursor() as cursor:
        cursor.execute(standing)
        found = {row[0] for row in cursor.fetchall()}
    return [name for table in TABLES for name in trigger_names(connection, table) if name not in found]


def trigger_names(connection: BaseDatabaseWrapper, table: str) -> list[str]:
    """The names of a table's triggers on this engine."""
    return [name.format(table=table) for name in NAMES[connection.vendor]]
