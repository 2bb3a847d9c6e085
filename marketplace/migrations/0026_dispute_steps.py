"""Hold disputes to the table of their life cycle in the database too, as orders and activations are."""

from django.db import migrations

from marketplace.models import life_cycle


def arm_again(apps, schema_editor):
    """The triggers are made from the tables of the rules, which now name disputes."""
    life_cycle.arm(schema_editor.connection)


class Migration(migrations.Migration):

    dependencies = [
        ("marketplace", "0025_feeds"),
    ]

    operations = [
        migrations.RunPython(arm_again, arm_again, elidable=False),
    ]
