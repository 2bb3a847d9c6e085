"""Let a statement settle an order that no dispatch was under, and let such an order be delivered."""

import django.db.models.deletion
from django.db import migrations, models

from marketplace.models import life_cycle


def take_from_the_dispatch(apps, schema_editor):
    """Every statement so far settles a dispatch: its order and window are those of it."""
    activations = apps.get_model("marketplace", "Activation").objects.filter(pk=models.OuterRef("activation"))
    taken = {"order_id": "order_id", "start_at": "start_at", "end_at": "end_at"}
    apps.get_model("marketplace", "SettlementStatement").objects.update(
        **{name: models.Subquery(activations.values(source)[:1]) for name, source in taken.items()}
    )
    apps.get_model("marketplace", "SettlementProgress").objects.update(
        order_id=models.Subquery(activations.values("order_id")[:1])
    )


def arm_again(apps, schema_editor):
    """The triggers are made from the tables of the life cycle, which have a new step."""
    life_cycle.arm(schema_editor.connection)


class Migration(migrations.Migration):

    dependencies = [
        ("marketplace", "0022_who_signed_an_attempt"),
    ]

    operations = [
        migrations.AddField("settlementstatement", "order", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="statements", to="marketplace.order")),
        migrations.AddField("settlementstatement", "start_at", models.DateTimeField(null=True, help_text="Start of the window that is settled")),
        migrations.AddField("settlementstatement", "end_at", models.DateTimeField(null=True, help_text="Its end, exclusive")),
        migrations.AddField("settlementprogress", "order", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="settlement_progress", to="marketplace.order")),
        migrations.RunPython(take_from_the_dispatch, migrations.RunPython.noop, elidable=True),
        migrations.AlterField(
            model_name='settlementprogress',
            name='activation',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='settlement_progress', to='marketplace.activation'),
        ),
        migrations.AlterField(
            model_name='settlementprogress',
            name='next_run',
            field=models.CharField(blank=True, help_text='Empty once no run is to come', max_length=2),
        ),
        migrations.AlterField(
            model_name='settlementprogress',
            name='order',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='settlement_progress', to='marketplace.order'),
        ),
        migrations.AlterField(
            model_name='settlementstatement',
            name='activation',
            field=models.ForeignKey(blank=True, help_text='The dispatch that was settled; none where the order itself is', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='statements', to='marketplace.activation'),
        ),
        migrations.AlterField(
            model_name='settlementstatement',
            name='baseline_method',
            field=models.CharField(blank=True, help_text='Empty where nothing was measured', max_length=40),
        ),
        migrations.AlterField(
            model_name='settlementstatement',
            name='end_at',
            field=models.DateTimeField(help_text='Its end, exclusive'),
        ),
        migrations.AlterField(
            model_name='settlementstatement',
            name='label',
            field=models.CharField(help_text='SIMULATED when any reading or price was, ESTIMATED when a settled half hour was, AGREED where nothing was metered, else MEASURED', max_length=10),
        ),
        migrations.AlterField(
            model_name='settlementstatement',
            name='order',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='statements', to='marketplace.order'),
        ),
        migrations.AlterField(
            model_name='settlementstatement',
            name='reason',
            field=models.CharField(choices=[('RUN_DUE', 'The run was due'), ('NEW_READINGS', 'Meter readings were revised'), ('NEW_PRICES', 'Prices were revised'), ('DISPUTE', 'A dispute was right'), ('CANCELLED', 'The order was cancelled late')], default='RUN_DUE', max_length=12),
        ),
        migrations.AlterField(
            model_name='settlementstatement',
            name='sequence',
            field=models.PositiveIntegerField(default=1, help_text='Number within the chain, from 1 on'),
        ),
        migrations.AlterField(
            model_name='settlementstatement',
            name='start_at',
            field=models.DateTimeField(help_text='Start of the window that is settled'),
        ),
        migrations.AddConstraint(
            model_name='settlementprogress',
            constraint=models.UniqueConstraint(condition=models.Q(('activation__isnull', True)), fields=('order',), name='one_progress_per_order_itself'),
        ),
        migrations.AddConstraint(
            model_name='settlementstatement',
            constraint=models.UniqueConstraint(condition=models.Q(('activation__isnull', True)), fields=('order', 'run', 'version'), name='one_statement_per_order_run_version'),
        ),
        migrations.AddConstraint(
            model_name='settlementstatement',
            constraint=models.UniqueConstraint(condition=models.Q(('activation__isnull', True)), fields=('order', 'sequence'), name='one_statement_per_order_sequence'),
        ),
        migrations.AddConstraint(
            model_name='settlementstatement',
            constraint=models.CheckConstraint(condition=models.Q(('start_at__lt', models.F('end_at'))), name='statement_window_ends_after_its_start'),
        ),
        migrations.RunPython(arm_again, arm_again, elidable=False),
    ]
