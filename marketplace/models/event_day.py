"""Event days that somebody declared: days on which a site did something unusual that no dispatch of ours explains.

A like-day baseline leaves them out. They are kept with the time they became known, so that an old statement can be worked
out again as it was.
"""

from __future__ import annotations

from datetime import date, datetime

from django.db import models

from marketplace.models.site import Site


class EventDay(models.Model):
    """One declared event day of a site. Kinds are those of the SVA Data Catalogue."""

    class Kind(models.TextChoices):
        """What made the day unusual."""

        SERVICE = "B", "Wholesale or balancing service"
        OTHER = "O", "Other"

    site = models.ForeignKey(Site, models.CASCADE, related_name="event_days")
    day = models.DateField(help_text="Settlement day, in London")
    kind = models.CharField(max_length=1, choices=Kind.choices)
    reason = models.CharField(max_length=200)
    known_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "day"], name="one_event_day_per_site_and_day")]


def declared_event_days(site: Site, *, known_at: datetime | None = None) -> set[date]:
    """Settlement days declared for `site`, by what was known at `known_at`, or all of them."""
    rows = EventDay.objects.filter(site=site)
    if known_at is not None:
        rows = rows.filter(known_at__lte=known_at)
    return set(rows.values_list("day", flat=True))
