"""The jobs in a site's queue."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.api.shapes import Input, Instant, Kw, Shape
from marketplace.api.view import ApiView
from marketplace.models import Site
from marketplace.queries.queue import JobFilters, filtered_jobs


class JobShape(Shape):
    """One job: `duration_s` at `power_kw` of site power."""

    id = serializers.CharField(source="external_id")
    tier = serializers.CharField()
    arrival_at = Instant(read_only=True)
    deadline_at = Instant(read_only=True)
    duration_s = serializers.IntegerField()
    power_kw = Kw(read_only=True)
    preemptible = serializers.BooleanField()
    cpus = serializers.DecimalField(12, 3)
    gpus = serializers.DecimalField(12, 3)
    power_label = serializers.CharField()
    deadline_label = serializers.CharField()


class JobsAsked(Input):
    """Which jobs."""

    text = serializers.CharField(required=False, max_length=120, help_text="A part of the job's id.")
    tier = serializers.CharField(required=False, max_length=20, help_text="A tier as the queue file named it.")
    status = serializers.ChoiceField(
        ("open", "past", "all"), default="open", help_text="Write open (deadline ahead), past or all."
    )


class SiteJobs(ApiView):
    """The queue of a site."""

    scopes = {"GET": "uploads:read"}
    tag = "uploads"
    ordering = "deadline_at"

    @extend_schema(parameters=[JobsAsked], responses=JobShape(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """List the jobs in the site's queue, by deadline."""
        site = self.find(self.rows(Site), slug=slug)
        return self.listed(filtered_jobs(site, JobFilters(**self.asked(JobsAsked)), self.now), JobShape)
