"""Half-hourly grid signals as they became known, and the forecasts made from them.

Both are bitemporal: a value carries the half hour it is about and the moment we knew it.
"""

from __future__ import annotations

from django.db import models


class SignalPoint(models.Model):
    """One half hour of one series. `value` unit is in `unit` (gCO2e/kWh or GBP/MWh)."""

    series = models.CharField(max_length=60, help_text="carbon_intensity or price, optionally :region")
    start_at = models.DateTimeField()
    value = models.FloatField()
    unit = models.CharField(max_length=20)
    source = models.CharField(max_length=80)
    label = models.CharField(max_length=10, help_text="MEASURED, FORECAST, ESTIMATED or SIMULATED")
    known_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["series", "start_at", "known_at"], name="one_value_per_series_start_and_known"
            ),
        ]
        indexes = [models.Index(fields=["series", "start_at"])]


class Forecast(models.Model):
    """One issue of one model: half-hourly values from `start_at`, with an 80 % band."""

    series = models.CharField(max_length=60)
    issued_at = models.DateTimeField()
    start_at = models.DateTimeField()
    model = models.CharField(max_length=40)
    model_version = models.CharField(max_length=20)
    unit = models.CharField(max_length=20)
    p10 = models.JSONField()
    p50 = models.JSONField()
    p90 = models.JSONField()
    inputs_digest = models.CharField(max_length=64)
    sources = models.JSONField(default=list)
    label = models.CharField(max_length=10, default="FORECAST")

    class Meta:
        indexes = [models.Index(fields=["series", "-issued_at"])]
