"""Refuse changes and deletions of events and log entries in the database itself."""

from django.db import migrations

from marketplace.ledger import append_only


def arm(apps, schema_editor):
    append_only.arm(schema_editor.connection)


def disarm(apps, schema_editor):
    append_only.disarm(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0001_initial")]

    operations = [migrations.RunPython(arm, disarm, elidable=False)]
