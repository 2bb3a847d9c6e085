"""Database triggers that hold orders, activations and disputes to the tables of their rules, on SQLite and PostgreSQL.

A row may keep its state or take a step that its table has; any other change is refused, also at a database prompt. The
triggers are made from the tables, so a table that changes needs a migration that calls `arm` again, and so does a migration
that rebuilds one of these tables on SQLite, which drops its triggers. They say nothing of the state a row begins in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db.backends.base.base import BaseDatabaseWrapper

from marketplace.rules.dispute import DISPUTE_STEPS
from marketplace.rules.order_state import ACTIVATION_TRANSITIONS, ORDER_STEPS

STEPS: Final[dict[str, frozenset[tuple[str, str]]]] = {
    "marketplace_order": frozenset((before.value, after.value) for before, after in ORDER_STEPS),
    "marketplace_activation": frozenset((before.value, after.value) for before, after in ACTIVATION_TRANSITIONS),
    "marketplace_dispute": frozenset((before.value, after.value) for before, after in DISPUTE_STEPS),
}
SAYS: Final = "this step is not in the life cycle"
NAME: Final = "{table}_takes_known_steps"
FUNCTION: Final = (
    "CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "RAISE EXCEPTION '{says}: {table} from %% to %%', OLD.state, NEW.state "
    "USING ERRCODE = 'integrity_constraint_violation'; END $$"
)
TRIGGERS: Final = {
    "sqlite": (
        "DROP TRIGGER IF EXISTS {name}",
        "CREATE TRIGGER {name} BEFORE UPDATE ON {table} WHEN {strange} BEGIN SELECT RAISE(ABORT, '{says}: {table}'); END",
    ),
    "postgresql": (
        "DROP TRIGGER IF EXISTS {name} ON {table}",
        FUNCTION,
        "CREATE TRIGGER {name} BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({strange}) EXECUTE FUNCTION {name}()",
    ),
}


def arm(connection: BaseDatabaseWrapper) -> None:
    """Put the triggers up as the tables now are, in place of older ones. A table that a later migration makes is left to that."""
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
        for table, steps in ((name, STEPS[name]) for name in STEPS if name in there):
            for statement in TRIGGERS[connection.vendor]:
                words = {"name": NAME.format(table=table), "table": table, "says": SAYS, "strange": strange(steps)}
                cursor.execute(statement.format(**words).replace("%%", "%"))


def disarm(connection: BaseDatabaseWrapper) -> None:
    """Take the triggers down; only for undoing the migration."""
    with connection.cursor() as cursor:
        for table in STEPS:
            name = NAME.format(table=table)
            if connection.vendor == "sqlite":
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
            else:
                cursor.execute(f"DROP FUNCTION IF EXISTS {name}() CASCADE")


def strange(steps: Iterable[tuple[str, str]]) -> str:
    """The SQL condition of a step that is in no table: the state changes, and not in one of `steps`."""
    known = ", ".join(f"'{before}>{after}'" for before, after in sorted(steps))
    return f"OLD.state <> NEW.state AND OLD.state || '>' || NEW.state NOT IN ({known})"
