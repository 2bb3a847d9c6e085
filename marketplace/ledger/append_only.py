"""Database triggers that refuse to change or delete an event or an entry, or to number one past a gap.

They stand on SQLite and on PostgreSQL alike. They stop mistakes and faulty code, also at a database prompt. They do not
stop an owner of the database, who can drop them: what such a person changes is found by the hashes and by the contract.
Migrations put them up; ledger_verify says when one is missing (SQLite drops a table's triggers when a migration rebuilds
the table).
"""

from __future__ import annotations

from typing import Final

from django.db.backends.base.base import BaseDatabaseWrapper

# Each table with what identifies a row: SQLite's INSERT OR REPLACE deletes the old row past delete triggers.
TABLES: Final = {
    "marketplace_event": (("id",),),
    "marketplace_event_organisations": (("id",), ("event_id", "organisation_id")),
    "marketplace_ledgerentry": (("seq",), ("event_id",), ("leaf_hash",)),
    "marketplace_organisationnumber": (("id",), ("entry_id", "organisation_id"), ("organisation_id", "org_seq")),
}
# What a new row of a numbered table must find there already: the row it follows.
FOLLOWS: Final = {
    "marketplace_ledgerentry": "NEW.seq <> 0 AND NOT EXISTS (SELECT 1 FROM marketplace_ledgerentry "
    "WHERE seq = NEW.seq - 1 AND leaf_hash = NEW.prev_hash)",
    "marketplace_organisationnumber": "NEW.org_seq <> 1 AND NOT EXISTS (SELECT 1 FROM marketplace_organisationnumber "
    "WHERE organisation_id = NEW.organisation_id AND org_seq = NEW.org_seq - 1)",
}
SAYS: Final = "the log is append-only"
SQLITE: Final = (
    "CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{says}: {table}'); END",
    "CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, '{says}: {table}'); END",
    "CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) "
    "BEGIN SELECT RAISE(ABORT, '{says}: {table}'); END",
)
SQLITE_FOLLOWS: Final = (
    "CREATE TRIGGER {table}_no_gap BEFORE INSERT ON {table} WHEN {follows} "
    "BEGIN SELECT RAISE(ABORT, '{says}: {table} without the row before'); END",
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
POSTGRES_FOLLOWS: Final = (
    "CREATE OR REPLACE FUNCTION {table}_gapless() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {follows} THEN "
    "RAISE EXCEPTION '{says}: {table} without the row before' USING ERRCODE = 'integrity_constraint_violation'; END IF; "
    "RETURN NEW; END $$",
    "CREATE TRIGGER {table}_no_gap BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_gapless()",
)
STATEMENTS: Final = {"sqlite": (SQLITE, SQLITE_FOLLOWS), "postgresql": (POSTGRES, POSTGRES_FOLLOWS)}
NAMES: Final = {
    "sqlite": ("{table}_no_update", "{table}_no_delete", "{table}_no_replace"),
    "postgresql": ("{table}_no_change", "{table}_no_truncate"),
}


def arm(connection: BaseDatabaseWrapper) -> None:
    """Put every trigger up that is missing, on the tables there are: a migration may come before the last of them."""
    absent, standing = set(missing(connection)), set(connection.introspection.table_names())
    always, numbered = STATEMENTS[connection.vendor]
    with connection.cursor() as cursor:
        for table in (one for one in TABLES if one in standing):
            facts = {"table": table, "says": SAYS, "same": same_row(table), "follows": FOLLOWS.get(table, "")}
            for statement in (*always, *numbered) if table in FOLLOWS else always:
                made = statement.format(**facts)
                if not made.startswith("CREATE TRIGGER") or made.split()[2] in absent:
                    cursor.execute(made)


def same_row(table: str) -> str:
    """SQL for: a row of the table has a key of NEW."""
    keys = (" AND ".join(f"{column} = NEW.{column}" for column in columns) for columns in TABLES[table])
    return " OR ".join(f"({key})" for key in keys)


def disarm(connection: BaseDatabaseWrapper) -> None:
    """Take the triggers down. Only for undoing the migration, and for a test runner that empties its own tables."""
    with connection.cursor() as cursor:
        for table in TABLES:
            if connection.vendor == "sqlite":
                for name in trigger_names(connection, table):
                    cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
            else:
                for name in ("append_only", "gapless"):
                    cursor.execute(f"DROP FUNCTION IF EXISTS {table}_{name}() CASCADE")


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
    names = (*NAMES[connection.vendor], "{table}_no_gap") if table in FOLLOWS else NAMES[connection.vendor]
    return [name.format(table=table) for name in names]
