"""Uploaded queues and the jobs imported from them."""

from __future__ import annotations

from django.db import models

from marketplace.models.organisation import User
from marketplace.models.site import Site


class Upload(models.Model):
    """A file somebody gave us, kept as it came, with what we made of it. Nothing is imported before review."""

    class State(models.TextChoices):
        """RECEIVED -> NEEDS_REVIEW -> IMPORTED or DISCARDED; FAILED when the file could not be read at all."""

        RECEIVED = "RECEIVED", "Received"
        NEEDS_REVIEW = "NEEDS_REVIEW", "Needs review"
        IMPORTED = "IMPORTED", "Imported"
        DISCARDED = "DISCARDED", "Discarded"
        FAILED = "FAILED", "Could not be read"

    site = models.ForeignKey(Site, models.CASCADE, related_name="uploads")
    uploaded_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True)
    filename = models.CharField(max_length=255)
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    state = models.CharField(max_length=14, choices=State.choices, default=State.RECEIVED)
    rows_total = models.PositiveIntegerField(default=0)
    jobs = models.JSONField(default=list, help_text="Parsed jobs, as flex_engine Job.to_dict()")
    row_errors = models.JSONField(default=list, help_text="[{row, column, value, problem, fix}]")
    assumptions = models.JSONField(default=list, help_text="[{name, value, label, why}]")
    options = models.JSONField(default=dict, help_text="{slack_s, epoch}: what the uploader said about missing columns")
    error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["site", "-created_at"])]


class Job(models.Model):
    """One deferrable piece of work of a site. `duration_s` at `power_kw` of site power is the energy it needs."""

    site = models.ForeignKey(Site, models.CASCADE, related_name="jobs")
    upload = models.ForeignKey(Upload, models.SET_NULL, null=True, blank=True)
    external_id = models.CharField(max_length=120)
    arrival_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    duration_s = models.PositiveBigIntegerField()
    power_kw = models.DecimalField(max_digits=12, decimal_places=3)
    preemptible = models.BooleanField(default=True)
    tier = models.CharField(max_length=20, default="BATCH")
    cpus = models.DecimalField(max_digits=12, decimal_places=3, default=0)
    gpus = models.DecimalField(max_digits=12, decimal_places=3, default=0)
    power_label = models.CharField(max_length=10, default="ESTIMATED")
    deadline_label = models.CharField(max_length=10, default="MEASURED")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "external_id"], name="one_job_per_site_and_external_id"),
            models.CheckConstraint(
                condition=models.Q(deadline_at__gt=models.F("arrival_at")), name="job_deadline_after_arrival"
            ),
            models.CheckConstraint(condition=models.Q(power_kw__gt=0), name="job_power_is_positive"),
        ]
        indexes = [models.Index(fields=["site", "deadline_at"])]
