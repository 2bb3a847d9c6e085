"""Statements in one chain per activation, and where each settlement stands.

Every statement made before is the first and only one of its activation. What comes next is worked out when the agent looks.
"""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F


def carry_over(apps, schema_editor):
    statements = apps.get_model("marketplace", "SettlementStatement").objects.select_related("activation")
    statements.update(knowledge_time=F("created_at"))
    progress = apps.get_model("marketplace", "SettlementProgress")
    progress.objects.bulk_create(
        progress(
            activation=one.activation,
            next_run="SF",
            next_due_at=one.created_at,
            checked_at=one.created_at,
            announced=one if one.activation.state == "SETTLED" else None,
        )
        for one in statements
    )


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0006_known_steps")]

    operations = [
        migrations.AddField(
            model_name="settlementstatement",
            name="sequence",
            field=models.PositiveIntegerField(default=1, help_text="Number within the activation, from 1 on"),
        ),
        migrations.AlterField(
            model_name="settlementstatement",
            name="version",
            field=models.PositiveIntegerField(default=1, help_text="Number within the run, from 1 on"),
        ),
        migrations.AddField(
            model_name="settlementstatement",
            name="reason",
            field=models.CharField(
                choices=[
                    ("RUN_DUE", "The run was due"),
                    ("NEW_READINGS", "Meter readings were revised"),
                    ("NEW_PRICES", "Prices were revised"),
                    ("DISPUTE", "A dispute was upheld"),
                ],
                default="RUN_DUE",
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="settlementstatement",
            name="knowledge_time",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="settlementstatement",
            name="delta_pence",
            field=models.BigIntegerField(
                blank=True, help_text="Amount less that of the statement it supersedes; none for the first", null=True
            ),
        ),
        migrations.CreateModel(
            name="SettlementProgress",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "next_run",
                    models.CharField(blank=True, help_text="Empty once RF has closed the settlement", max_length=2),
                ),
                ("next_due_at", models.DateTimeField(blank=True, null=True)),
                (
                    "checked_at",
                    models.DateTimeField(help_text="Readings and prices known by then have been compared"),
                ),
                (
                    "activation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="settlement_progress",
                        to="marketplace.activation",
                    ),
                ),
                (
                    "announced",
                    models.ForeignKey(
                        blank=True,
                        help_text="The newest statement whose proof the buyer was sent",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="marketplace.settlementstatement",
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["next_due_at"], name="marketplace_next_du_ab65f5_idx")]},
        ),
        migrations.RunPython(carry_over, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="settlementstatement",
            name="knowledge_time",
            field=models.DateTimeField(help_text="Readings and prices known by then were used, and no others"),
        ),
        migrations.AddConstraint(
            model_name="settlementstatement",
            constraint=models.UniqueConstraint(
                fields=("activation", "sequence"), name="one_statement_per_activation_sequence"
            ),
        ),
        migrations.AddConstraint(
            model_name="settlementstatement",
            constraint=models.CheckConstraint(
                condition=models.Q(sequence=1, supersedes__isnull=True, delta_pence__isnull=True)
                | models.Q(sequence__gt=1, supersedes__isnull=False, delta_pence__isnull=False),
                name="all_but_the_first_statement_supersede",
            ),
        ),
        migrations.AddIndex(
            model_name="meterreading",
            index=models.Index(fields=["site", "known_at"], name="marketplace_site_id_077fc9_idx"),
        ),
    ]
