"""Keep why a dispatch gave way to another."""

from django.db import migrations, models

from marketplace.models import life_cycle


def arm_again(apps, schema_editor):
    """SQLite rebuilds the table for a new column, and forgets its triggers."""
    life_cycle.arm(schema_editor.connection)


class Migration(migrations.Migration):

    dependencies = [
        ("marketplace", "0015_statement_money"),
    ]

    operations = [
        migrations.AddField(
            model_name='activation',
            name='refused_because',
            field=models.CharField(blank=True, help_text='Why it gave way to another instruction', max_length=400),
        ),
        migrations.RunPython(arm_again, arm_again, elidable=False),
    ]
