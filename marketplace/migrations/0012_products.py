"""Sell by product: an availability price on offers and orders, and the product asked for on a wish for an offer."""

from django.db import migrations, models

from marketplace.models import life_cycle


def arm(apps, schema_editor):
    life_cycle.arm(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0011_position_notifications")]

    operations = [
        migrations.AddField(
            model_name='offer',
            name='availability_price_gbp_per_mw_h',
            field=models.DecimalField(decimal_places=4, default=0, max_digits=10),
        ),
        migrations.AddField(
            model_name='offerrequest',
            name='availability_price_gbp_per_mw_h',
            field=models.DecimalField(blank=True, decimal_places=4, help_text="Empty: the product's reference price", max_digits=10, null=True),
        ),
        migrations.AddField(
            model_name='offerrequest',
            name='direction',
            field=models.CharField(choices=[('REDUCE', 'Turn-down'), ('INCREASE', 'Turn-up')], default='REDUCE', max_length=8),
        ),
        migrations.AddField(
            model_name='offerrequest',
            name='product',
            field=models.CharField(default='OPERATIONAL_UTILISATION', max_length=60),
        ),
        migrations.AddField(
            model_name='order',
            name='availability_price_gbp_per_mw_h',
            field=models.DecimalField(decimal_places=4, default=0, max_digits=10),
        ),
        migrations.AlterField(
            model_name='offer',
            name='product',
            field=models.CharField(default='OPERATIONAL_UTILISATION', help_text='A key of flex_engine.settle.products, on the day of the window', max_length=60),
        ),
        migrations.AddConstraint(
            model_name='offer',
            constraint=models.CheckConstraint(condition=models.Q(('availability_price_gbp_per_mw_h__gte', 0)), name='offer_availability_price_is_not_negative'),
        ),
        migrations.RunPython(arm, migrations.RunPython.noop, elidable=False),
    ]
