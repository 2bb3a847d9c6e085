"""Hold orders and activations to the tables of their life cycle in the database itself."""

from django.db import migrations, models

from marketplace.models import life_cycle


def arm(apps, schema_editor):
    life_cycle.arm(schema_editor.connection)


def disarm(apps, schema_editor):
    life_cycle.disarm(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0005_offer_back_test")]

    operations = [
        migrations.AlterField(
            model_name='order',
            name='state',
            field=models.CharField(choices=[('DRAFT', 'Draft'), ('INITIALISED', 'Initialised'), ('PENDING', 'Pending'), ('CONFIRMED', 'Confirmed'), ('ACTIVE', 'Active'), ('DELIVERED', 'Delivered'), ('SETTLED', 'Settled'), ('CANCELLED', 'Cancelled'), ('EXPIRED', 'Expired')], max_length=12),
        ),
        migrations.RunPython(arm, disarm, elidable=False),
    ]
