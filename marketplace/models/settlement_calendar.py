"""The published Settlement Calendar, as it became known: which day a run of a settlement day is due."""

from __future__ import annotations

from datetime import date, datetime

from django.db import models


class PublishedRunDate(models.Model):
    """One run of one settlement day. A row never changes; one that was known later goes before it."""

    settlement_date = models.DateField()
    run = models.CharField(max_length=2)
    due_date = models.DateField()
    source = models.CharField(max_length=120, help_text="Name of the file it was read from")
    sha256 = models.CharField(max_length=64, help_text="Of the file's bytes")
    known_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["settlement_date", "run", "known_at"], name="one_published_date_per_day_run_and_known"
            ),
            models.CheckConstraint(
                condition=models.Q(due_date__gt=models.F("settlement_date")), name="a_run_is_due_after_its_day"
            ),
        ]


def published_dates(day: date, *, known_at: datetime) -> dict[tuple[date, str], date]:
    """The published due dates of settlement day `day` known at `known_at`, by day and run; empty where none were imported."""
    rows = PublishedRunDate.objects.filter(settlement_date=day, known_at__lte=known_at).order_by("known_at", "pk")
    return {(row.settlement_date, row.run): row.due_date for row in rows}


def calendar_source(day: date, run: str, *, known_at: datetime) -> str:
    """The file that the newest published date of a run is from; empty where none was imported."""
    rows = PublishedRunDate.objects.filter(settlement_date=day, run=run, known_at__lte=known_at)
    newest = rows.order_by("known_at", "pk").last()
    return newest.source if newest else ""
