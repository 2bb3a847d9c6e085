"""Statements that carry every figure their money was worked out by. Earlier ones keep what they said, as components."""

from django.db import migrations, models


def components(apps, schema_editor):
    for one in apps.get_model("marketplace", "SettlementStatement").objects.all():
        parts = [("USAGE", one.payment_pence), ("PENALTY", -one.penalty_pence)]
        one.components = [
            {"type": kind, "description": "", "pence": pence, "residual_gbp": "0"} for kind, pence in parts if pence
        ]
        one.save(update_fields=["components"])


class Migration(migrations.Migration):

    dependencies = [
        ('marketplace', '0014_sale_terms'),
    ]

    operations = [
        migrations.AddField(
            model_name='settlementstatement',
            name='carbon',
            field=models.JSONField(default=dict, help_text='kg, g/kWh, source, as_of and label, or why not'),
        ),
        migrations.AddField(
            model_name='settlementstatement',
            name='compensation',
            field=models.JSONField(default=list, help_text='What the supplier is compensated, beside the amount'),
        ),
        migrations.AddField(
            model_name='settlementstatement',
            name='components',
            field=models.JSONField(default=list, help_text='[{type, description, pence, residual_gbp}] summing to the amount'),
        ),
        migrations.AddField(
            model_name='settlementstatement',
            name='terms',
            field=models.JSONField(default=dict, help_text='Product, basis, tables, cap and rates the money was worked out by'),
        ),
        migrations.AddField(
            model_name='settlementstatement',
            name='vat',
            field=models.JSONField(default=dict, help_text='Net, VAT and gross pence of what the buyer pays, or why not'),
        ),
        migrations.AddField(
            model_name='statementline',
            name='imbalance',
            field=models.JSONField(default=dict, help_text='{mwh, system_gbp_per_mwh, gbp, source, label, known_at}'),
        ),
        migrations.AddField(
            model_name='statementline',
            name='pay_gbp',
            field=models.CharField(blank=True, help_text='Exact, before rounding', max_length=40),
        ),
        migrations.AddField(
            model_name='statementline',
            name='penalty_gbp',
            field=models.CharField(blank=True, help_text='Exact, before rounding', max_length=40),
        ),
        migrations.AddField(
            model_name='statementline',
            name='price_gbp_per_kwh',
            field=models.DecimalField(blank=True, decimal_places=6, max_digits=12, null=True),
        ),
        migrations.AddField(
            model_name='statementline',
            name='ratio',
            field=models.DecimalField(blank=True, decimal_places=6, help_text='Delivered share of the instruction', max_digits=14, null=True),
        ),
        migrations.AddField(
            model_name='statementline',
            name='reading_known_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='statementline',
            name='reading_label',
            field=models.CharField(blank=True, max_length=10),
        ),
        migrations.AddField(
            model_name='statementline',
            name='reading_quality',
            field=models.CharField(blank=True, max_length=10),
        ),
        migrations.AddField(
            model_name='statementline',
            name='reading_source',
            field=models.CharField(blank=True, max_length=80),
        ),
        migrations.AddField(
            model_name='statementline',
            name='scale',
            field=models.DecimalField(blank=True, decimal_places=6, help_text='Share of the price that it earns', max_digits=8, null=True),
        ),
        migrations.AlterField(
            model_name='settlementstatement',
            name='amount_pence',
            field=models.BigIntegerField(help_text='payment - penalty, the sum of the components; positive: to the seller'),
        ),
        migrations.AlterField(
            model_name='settlementstatement',
            name='label',
            field=models.CharField(help_text='SIMULATED when any reading or price was, ESTIMATED when a settled half hour was, else MEASURED', max_length=10),
        ),
        migrations.RunPython(components, migrations.RunPython.noop),
    ]
