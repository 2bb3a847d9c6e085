"""Baseline nominations: what a site says beforehand it would draw, worth what its time of receipt is worth."""

from __future__ import annotations

from django.db import models

from marketplace.models.plan import Plan
from marketplace.models.site import Site


class BaselineNomination(models.Model):
    """Expected import energy of [start_at, start_at + 30 min). A later one for the same start revises it, until the deadline."""

    site = models.ForeignKey(Site, models.CASCADE, related_name="nominations")
    plan = models.ForeignKey(Plan, models.PROTECT, null=True, blank=True, help_text="The plan whose load was nominated")
    start_at = models.DateTimeField()
    import_wh = models.BigIntegerField()
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "start_at", "received_at"], name="one_nomination_per_site_start_and_receipt"
            ),
            models.CheckConstraint(condition=models.Q(import_wh__gte=0), name="nominated_energy_is_not_negative"),
        ]
