"""Keep a site's rules of sale, and on each offer and order the cancellation terms it was sold with."""

from decimal import Decimal

import django.db.models.deletion
from django.db import migrations, models

from marketplace.models import life_cycle


def arm_again(apps, schema_editor):
    """SQLite rebuilds the orders' table for a new column, and forgets its triggers."""
    life_cycle.arm(schema_editor.connection)


class Migration(migrations.Migration):

    dependencies = [
        ("marketplace", "0013_metering"),
    ]

    operations = [
        migrations.CreateModel(
            name='SaleRules',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('approve_above_kw', models.DecimalField(blank=True, decimal_places=3, max_digits=12, null=True)),
                ('floor_gbp_per_kwh', models.DecimalField(blank=True, decimal_places=4, max_digits=10, null=True)),
                ('approve_within_s', models.PositiveIntegerField(default=3600)),
                ('free_cancellation_s', models.PositiveIntegerField(default=0, help_text='Before the window; later it costs the fee')),
                ('cancellation_fee_percent', models.DecimalField(decimal_places=2, default=Decimal('0'), help_text='Of the quote', max_digits=5)),
                ('updated_at', models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name='offer',
            name='cancellation_fee_percent',
            field=models.DecimalField(decimal_places=2, default=Decimal('0'), help_text='Of the quote', max_digits=5),
        ),
        migrations.AddField(
            model_name='offer',
            name='free_cancellation_s',
            field=models.PositiveIntegerField(default=0, help_text='Before the window; later it costs the fee'),
        ),
        migrations.AddField(
            model_name='order',
            name='approve_by',
            field=models.DateTimeField(blank=True, help_text='Until when the seller may say yes', null=True),
        ),
        migrations.AddField(
            model_name='order',
            name='cancellation_charged_pence',
            field=models.BigIntegerField(blank=True, help_text='What cancelling did cost', null=True),
        ),
        migrations.AddField(
            model_name='order',
            name='cancellation_fee_pence',
            field=models.BigIntegerField(default=0, help_text='What cancelling costs after that'),
        ),
        migrations.AddField(
            model_name='order',
            name='free_cancellation_until',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='order',
            name='refused_because',
            field=models.CharField(blank=True, help_text='Why it was not sold, as the buyer reads', max_length=200),
        ),
        migrations.AddField(
            model_name='order',
            name='waits_because',
            field=models.CharField(blank=True, help_text="Why it waited; the seller's own", max_length=200),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(('cancellation_fee_pence__gte', 0), ('cancellation_fee_pence__lte', models.F('quote_pence'))), name='cancellation_fee_is_at_most_the_quote'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(('cancellation_charged_pence__isnull', True), ('cancellation_charged_pence', 0), ('cancellation_charged_pence', models.F('cancellation_fee_pence')), _connector='OR'), name='cancelling_costs_the_agreed_fee_or_nothing'),
        ),
        migrations.AddField(
            model_name='salerules',
            name='site',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='sale_rules', to='marketplace.site'),
        ),
        migrations.AddConstraint(
            model_name='salerules',
            constraint=models.CheckConstraint(condition=models.Q(('cancellation_fee_percent__gte', 0), ('cancellation_fee_percent__lte', 100)), name='cancellation_fee_is_a_share_of_the_quote'),
        ),
        migrations.AddConstraint(
            model_name='salerules',
            constraint=models.CheckConstraint(condition=models.Q(('approve_above_kw__isnull', True), ('approve_above_kw__gte', 0), _connector='OR'), name='approval_size_is_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='salerules',
            constraint=models.CheckConstraint(condition=models.Q(('approve_within_s__gte', 60)), name='approval_has_a_minute_at_least'),
        ),
        migrations.RunPython(arm_again, arm_again, elidable=False),
    ]
