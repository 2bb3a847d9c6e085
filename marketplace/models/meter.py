"""Meter readings: half-hourly energy of a site, bitemporal. Energy is integer Wh, never float.

Import settles. Export is kept beside it in a table of its own, so that no reader of one can take the other for it.
"""

from __future__ import annotations

from django.db import models

from marketplace.models.site import Site


class MeterReading(models.Model):
    """Import energy of [start_at, start_at + 30 min). A later `known_at` for the same start is a revision."""

    site = models.ForeignKey(Site, models.CASCADE, related_name="readings")
    start_at = models.DateTimeField()
    import_wh = models.BigIntegerField()
    quality = models.CharField(
        max_length=10, default="ACTUAL", help_text="ACTUAL, ESTIMATED or SUSPECT, as the meter operator flags it"
    )
    source = models.CharField(max_length=80, help_text="Who sent it, or the id of the rule that estimated it")
    label = models.CharField(max_length=10, help_text="MEASURED or SIMULATED")
    known_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "start_at", "known_at"], name="one_reading_per_site_start_and_known"
            ),
            models.CheckConstraint(condition=models.Q(import_wh__gte=0), name="import_energy_is_not_negative"),
        ]
        indexes = [models.Index(fields=["site", "start_at"]), models.Index(fields=["site", "known_at"])]


class ExportReading(models.Model):
    """Export energy of [start_at, start_at + 30 min), kept as MeterReading keeps import. Nothing settles on it yet."""

    site = models.ForeignKey(Site, models.CASCADE, related_name="export_readings")
    start_at = models.DateTimeField()
    export_wh = models.BigIntegerField()
    quality = models.CharField(max_length=10, default="ACTUAL")
    source = models.CharField(max_length=80)
    label = models.CharField(max_length=10, help_text="MEASURED or SIMULATED")
    known_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "start_at", "known_at"], name="one_export_reading_per_site_start_and_known"
            ),
            models.CheckConstraint(condition=models.Q(export_wh__gte=0), name="export_energy_is_not_negative"),
        ]
