"""How each feed of public grid data is doing, and what of its answers was set aside instead of believed."""

from __future__ import annotations

from django.db import models


class FeedState(models.Model):
    """One feed. A feed fails while `failed_at` is later than `succeeded_at`; `failure` says why in words."""

    class Failure(models.TextChoices):
        """What kind of failure it was."""

        NONE = "", "None"
        UNAVAILABLE = "UNAVAILABLE", "Not reached"
        REFUSED = "REFUSED", "Refused"
        PAYLOAD = "PAYLOAD", "Not what is documented"
        NO_KEY = "NO_KEY", "No key"
        FAULT = "FAULT", "A fault of ours"

    name = models.CharField(primary_key=True, max_length=40)
    attempted_at = models.DateTimeField(null=True, blank=True)
    succeeded_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    failure = models.TextField(blank=True)
    failure_kind = models.CharField(max_length=11, choices=Failure.choices, default=Failure.NONE, blank=True)
    newest_at = models.DateTimeField(
        null=True, blank=True, help_text="End of the newest half hour, or the newest issue"
    )
    values_taken = models.PositiveBigIntegerField(default=0, help_text="New or changed values since the first fetch")
    notes = models.JSONField(default=list, help_text="What the last answers lacked, as sentences")
    set_aside_at = models.DateTimeField(
        null=True, blank=True, help_text="When a row was last set aside for the first time"
    )
    set_aside_rows = models.PositiveIntegerField(default=0, help_text="How many were, then")
    set_aside_why = models.TextField(blank=True)


class FeedQuarantine(models.Model):
    """A row, or a whole answer, that was set aside. The same row for the same reason is counted, not written again."""

    feed = models.CharField(max_length=40)
    digest = models.CharField(max_length=64, help_text="SHA-256 of feed, row and reason")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)
    row = models.CharField(max_length=40)
    said = models.TextField()
    why = models.TextField()
    url = models.TextField()
    answer_sha256 = models.CharField(max_length=64, help_text="Of the raw answer, as archived")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["digest"], name="one_quarantine_per_row_and_reason")]
        indexes = [models.Index(fields=["-last_at"]), models.Index(fields=["feed", "-last_at"])]
