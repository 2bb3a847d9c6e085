"""Settlement statements: what an activation delivered and what it is paid, per settlement period, exact."""

from __future__ import annotations

import uuid

from django.db import models

from marketplace.models.order import Activation


class SettlementStatement(models.Model):
    """One run of one activation. A correction is a new statement that supersedes; a statement never changes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    activation = models.ForeignKey(Activation, models.PROTECT, related_name="statements")
    run = models.CharField(max_length=2, default="II", help_text="II, SF, R1, R2, R3, RF or DF")
    version = models.PositiveIntegerField(default=1)
    supersedes = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="superseded_by")
    baseline_method = models.CharField(max_length=40)
    baseline_facts = models.JSONField(default=dict, help_text="Days used, adjustment, window: enough to recompute")
    delivered_wh = models.BigIntegerField()
    eligible_wh = models.BigIntegerField()
    shortfall_wh = models.BigIntegerField()
    payment_pence = models.BigIntegerField()
    penalty_pence = models.BigIntegerField()
    amount_pence = models.BigIntegerField(help_text="payment - penalty; positive: the buyer pays the seller")
    label = models.CharField(max_length=10, help_text="MEASURED, or SIMULATED when any reading was")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["activation", "run", "version"], name="one_statement_per_activation_run_version"
            ),
            models.CheckConstraint(
                condition=models.Q(amount_pence=models.F("payment_pence") - models.F("penalty_pence")),
                name="statement_components_sum_to_the_amount",
            ),
        ]


class StatementLine(models.Model):
    """One settlement period of a statement, energy in Wh."""

    statement = models.ForeignKey(SettlementStatement, models.CASCADE, related_name="lines")
    start_at = models.DateTimeField()
    settlement_date = models.DateField()
    settlement_period = models.PositiveSmallIntegerField()
    instructed_wh = models.BigIntegerField()
    baseline_wh = models.BigIntegerField()
    metered_wh = models.BigIntegerField()
    delivered_wh = models.BigIntegerField()
    eligible_wh = models.BigIntegerField()
    shortfall_wh = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["statement", "start_at"], name="one_line_per_statement_and_period"),
        ]
