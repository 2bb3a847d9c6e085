"""Sites: their limits and place on the grid, and how fresh what we know about them is."""

from __future__ import annotations

from decimal import Decimal

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from flex_engine.timegrid import floor_half_hour, settlement_period
from marketplace.api.shapes import Exact, Input, Instant, Kw, Rate, Shape
from marketplace.api.view import ApiView
from marketplace.models import SaleRules, Site
from marketplace.queries.commitments import commitments_page
from marketplace.queries.sites import site_page
from marketplace.rules.errors import MarketError
from marketplace.usecases.set_sale_rules import LEAST_S, MOST_S, set_sale_rules


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


class SaleRulesShape(Shape):
    """How a site sells. Without any rule every order is confirmed at once, and cancelling before dispatch is free."""

    approve_above_kw = Kw(allow_null=True, read_only=True)
    floor_gbp_per_kwh = Rate(allow_null=True, read_only=True)
    approve_within_s = serializers.IntegerField()
    free_cancellation_s = serializers.IntegerField(
        help_text="Before the window; from then on cancelling costs the fee."
    )
    cancellation_fee_percent = serializers.DecimalField(5, 2, help_text="Of the quote.")
    updated_at = Instant(allow_null=True, read_only=True)


class SaleRulesInput(Input):
    """How a site sells from now on. Offers on sale keep the cancellation terms they have."""

    approve_above_kw = Kw(
        allow_null=True, default=None, help_text="Orders above it wait. Write kW, or null for no size."
    )
    floor_gbp_per_kwh = Rate(
        allow_null=True, default=None, help_text="Orders below it wait. Write GBP per kWh, or null for no price."
    )
    approve_within_s = serializers.IntegerField(
        default=3600, min_value=LEAST_S, max_value=MOST_S, help_text="Write seconds from 60 to 604800."
    )
    free_cancellation_s = serializers.IntegerField(
        default=0, min_value=0, max_value=MOST_S, help_text="Write seconds before the window, from 0 to 604800."
    )
    cancellation_fee_percent = serializers.DecimalField(
        5, 2, default=Decimal(0), min_value=0, max_value=100, help_text="Write a number from 0 to 100."
    )


class SiteSaleRules(ApiView):
    """A site's rules of sale."""

    scopes = {"GET": "sites:read", "POST": "orders:write"}
    tag = "sites"

    @extend_schema(responses=SaleRulesShape)
    def get(self, request: Request, slug: str) -> Response:
        """Read how a site sells: which orders wait for approval, and what cancelling costs."""
        self.asked(Nothing)
        site = self.find(self.rows(Site), slug=slug)
        rules = SaleRules.objects.filter(site=site).first() or SaleRules(site=site)
        return Response(SaleRulesShape(rules).data)

    @extend_schema(request=SaleRulesInput, responses=SaleRulesShape)
    def post(self, request: Request, slug: str) -> Response:
        """Set how a site sells. It replaces all rules; what is left out goes back to its default."""
        site, given = self.find(self.rows(Site).select_related("organisation"), slug=slug), self.given(SaleRulesInput)
        return Response(SaleRulesShape(set_sale_rules(site=site, user=self.person, now=self.now, **given)).data)


class CommitmentRowShape(Shape):
    """One half hour, service and direction of a site, in kW."""

    start_at = Instant(source="start", read_only=True)
    service = serializers.CharField()
    direction = serializers.CharField(help_text="REDUCE (turn-down) or INCREASE (turn-up).")
    offered_kw = Exact(read_only=True)
    reserved_kw = Exact(read_only=True)
    co_delivered_kw = Exact(read_only=True)
    dispatched_kw = Exact(read_only=True)
    site_deliverable_kw = Exact(source="deliverable_kw", read_only=True)
    site_reserved_kw = Exact(source="taken_kw", read_only=True)


class CommitmentsShape(Shape):
    """One settlement day of a site."""

    day = serializers.DateField()
    as_of = Instant(read_only=True)
    rows = CommitmentRowShape(many=True)


class DayAsked(Input):
    """Which day."""

    day = serializers.DateField(required=False, help_text="Write a settlement day such as 2024-01-16.")


class SiteCommitments(ApiView):
    """What a site has promised."""

    scopes = {"GET": "sites:read"}
    tag = "sites"

    @extend_schema(parameters=[DayAsked], responses=CommitmentsShape)
    def get(self, request: Request, slug: str) -> Response:
        """Read what is offered, reserved and dispatched in each half hour of a settlement day, and for which service."""
        asked, site = self.asked(DayAsked), self.find(self.rows(Site), slug=slug)
        day = asked.get("day") or settlement_period(floor_half_hour(self.now))[0]
        if not 2000 <= day.year < 2100:
            raise MarketError("BAD_DAY", f"The day is {day}.", fix="Write a day between 2000 and 2100.")
        return Response(CommitmentsShape(commitments_page(site, day, self.now)).data)
