"""Half-hourly grid signals as they became known, and the forecasts made from them.

Both are bitemporal: a value carries the half hour it is about and the moment we knew it. `as_known(at)` is the only way to
read either: it leaves out what was not known at `at`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models


class SignalPoints(models.QuerySet["SignalPoint"]):
    """Values of series, read as they were known."""

    def as_known(self, at: datetime) -> Self:
        """What was known at `at`, oldest half hour first; of one half hour the value known last comes last."""
        return self.filter(known_at__lte=at).order_by("series", "start_at", "known_at", "pk")


class SignalPoint(models.Model):
    """One half hour of one series. `value` unit is in `unit` (gCO2e/kWh or GBP/MWh)."""

    series = models.CharField(max_length=60, help_text="carbon_intensity or price, optionally :region")
    start_at = models.DateTimeField()
    value = models.FloatField()
    unit = models.CharField(max_length=20)
    source = models.CharField(max_length=80)
    label = models.CharField(max_length=10, help_text="MEASURED, FORECAST, ESTIMATED or SIMULATED")
    known_at = models.DateTimeField()

    objects = SignalPoints.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["series", "start_at", "known_at"], name="one_value_per_series_start_and_known"
            ),
        ]
        indexes = [models.Index(fields=["series", "start_at"])]


class Forecasts(models.QuerySet["Forecast"]):
    """Issues, read as they were known."""

    def as_known(self, at: datetime) -> Self:
        """Issues that were known at `at`, the newest issue first."""
        return self.filter(known_at__lte=at, issued_at__lte=at).order_by("-issued_at", "-known_at", "-pk")

    def holding(self, start: datetime, end: datetime) -> Self:
        """Issues that hold every half hour of [start, end)."""
        return self.filter(start_at__lte=start, end_at__gte=end)


class Forecast(models.Model):
    """One issue of one model, ours or a publisher's: half-hourly values from `start_at` up to `end_at`.

    `p10` and `p90` are an 80 % band and empty where a publisher gives none. Value i is about the half hour that begins i
    half hours after `start_at`. A row is written once: a trigger refuses every change (models/forecast_store.py).
    """

    series = models.CharField(max_length=60)
    issued_at = models.DateTimeField()
    known_at = models.DateTimeField(help_text="When this house knew it: of its own issues the issue, else the fetch")
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    model = models.CharField(max_length=40)
    model_version = models.CharField(max_length=20)
    unit = models.CharField(max_length=20)
    p10 = models.JSONField()
    p50 = models.JSONField()
    p90 = models.JSONField()
    inputs_digest = models.CharField(max_length=64)
    sources = models.JSONField(default=list)
    label = models.CharField(max_length=10, default="FORECAST")

    objects = Forecasts.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["series", "model", "model_version", "issued_at", "start_at", "inputs_digest"],
                name="one_forecast_per_issue_and_inputs",
            ),
            models.CheckConstraint(
                condition=models.Q(known_at__gte=models.F("issued_at")), name="no_forecast_known_before_its_issue"
            ),
            models.CheckConstraint(
                condition=models.Q(end_at__gt=models.F("start_at")), name="a_forecast_holds_a_half_hour"
            ),
        ]
        indexes = [models.Index(fields=["series", "-issued_at"])]
