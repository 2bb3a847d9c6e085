"""Sites: their limits and place on the grid, and how fresh what we know about them is."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.api.shapes import Input, Instant, Kw, Shape
from marketplace.api.view import ApiView
from marketplace.models import Site
from marketplace.queries.sites import site_page


class SiteShape(Shape):
    """One metered site. Power is the site's, at the meter."""

    slug = serializers.SlugField()
    name = serializers.CharField()
    organisation = serializers.CharField(source="organisation.slug")
    import_limit_kw = Kw(read_only=True)
    must_run_kw = Kw(read_only=True)
    pue = serializers.DecimalField(4, 3, help_text="Site power over IT power.")
    kw_per_cpu = serializers.DecimalField(8, 4)
    kw_per_gpu = serializers.DecimalField(8, 4)
    carbon_price_gbp_per_tonne = serializers.DecimalField(8, 2)
    gsp_group = serializers.CharField()
    gsp_zone = serializers.CharField()
    licence_area = serializers.CharField()
    msid = serializers.CharField()
    latitude = serializers.DecimalField(8, 5)
    longitude = serializers.DecimalField(8, 5)
    replan_requested_at = Instant(allow_null=True, read_only=True)
    created_at = Instant(read_only=True)


class FreshnessShape(Shape):
    """One thing plans rest on: FRESH, STALE or MISSING."""

    name = serializers.CharField()
    state = serializers.CharField(help_text="FRESH, STALE or MISSING.")
    until = Instant(allow_null=True, read_only=True)
    note = serializers.CharField()


class FigureShape(Shape):
    """A number that says where it comes from."""

    value = serializers.FloatField()
    unit = serializers.CharField()
    label = serializers.CharField(help_text="MEASURED, FORECAST, ESTIMATED, ASSUMED or SIMULATED.")  # type: ignore[assignment] # a field of that name
    source = serializers.CharField()  # type: ignore[assignment] # a field of that name
    as_of = Instant(read_only=True)


class CommitmentShape(Shape):
    """A dispatch that is accepted and not over."""

    order = serializers.CharField()
    state = serializers.CharField()
    start_at = Instant(source="start", read_only=True)
    end_at = Instant(source="end", read_only=True)
    kw = Kw(read_only=True)


class SiteDetailShape(Shape):
    """A site and what is happening there."""

    site = SiteShape()
    draw = FigureShape(allow_null=True, help_text="Site power in this half hour, as the plan in force lays it out.")
    jobs_open = serializers.IntegerField()
    replan_wanted = serializers.BooleanField()
    freshness = FreshnessShape(many=True)
    commitments = CommitmentShape(many=True)


class Nothing(Input):
    """An address without fields."""


class Sites(ApiView):
    """The list."""

    scopes = {"GET": "sites:read"}
    tag = "sites"
    ordering = "slug"

    @extend_schema(responses=SiteShape(many=True))
    def get(self, request: Request) -> Response:
        """List your sites."""
        self.asked(Nothing)
        return self.listed(self.rows(Site).select_related("organisation"), SiteShape)


class OneSite(ApiView):
    """One site."""

    scopes = {"GET": "sites:read"}
    tag = "sites"

    @extend_schema(responses=SiteDetailShape)
    def get(self, request: Request, slug: str) -> Response:
        """Read one site, what it draws now, and how fresh what we know about it is."""
        site = self.find(self.rows(Site).select_related("organisation"), slug=slug)
        return Response(SiteDetailShape(site_page(site, self.now)).data)
