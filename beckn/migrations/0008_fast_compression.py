"""On PostgreSQL, bodies are compressed by lz4 where the server has it: its usual way costs a message a quarter of its storing."""

from django.db import migrations


def choose(apps, schema_editor):
    """New rows only; those already stored are read as they are."""
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT 'lz4' = ANY(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'")
        if cursor.fetchone() == (True,):
            for table in ("beckn_inboxmessage", "beckn_outboxmessage"):
                cursor.execute(f"ALTER TABLE {table} ALTER COLUMN raw SET COMPRESSION lz4")


class Migration(migrations.Migration):
    dependencies = [("beckn", "0007_adapter")]

    operations = [migrations.RunPython(choose, migrations.RunPython.noop)]
