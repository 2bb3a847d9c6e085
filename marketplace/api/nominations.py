"""Baseline nominations of a site: what it would draw, said before the deadline."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.api.readings import MOST_WH, RecordedShape, SpanAsked
from marketplace.api.shapes import Input, Instant, Shape
from marketplace.api.view import ApiView
from marketplace.models import BaselineNomination, Site
from marketplace.rules.errors import MarketError
from marketplace.usecases.nominate_baseline import nominate_baseline

MOST_PERIODS = 2000  # more than a month of half hours


class NominatedInput(Input):
    """One half hour."""

    start = Instant(help_text="Write the start of the half hour with a zone, such as 2024-01-16T17:00:00Z.")
    import_wh = serializers.IntegerField(
        min_value=0, max_value=MOST_WH, help_text="Write the energy the site would import in whole watt-hours."
    )


class NominationInput(Input):
    """What the site would draw."""

    periods = serializers.ListField(
        child=NominatedInput(),
        allow_empty=False,
        max_length=MOST_PERIODS,
        help_text='Send a list such as [{"start": "2024-01-16T17:00:00Z", "import_wh": 412500}].',
    )


class NominationShape(Shape):
    """What was nominated for a half hour, and when it was received: it counts when that was in time."""

    start_at = Instant(read_only=True)
    import_wh = serializers.IntegerField()
    received_at = Instant(read_only=True)
    plan = serializers.IntegerField(source="plan_id", allow_null=True, help_text="The plan whose load it is, if any.")


class SiteNominations(ApiView):
    """The nominated baseline of a site."""

    scopes = {"GET": "offers:read", "POST": "offers:write"}
    tag = "offers"
    ordering = "start_at"

    @extend_schema(parameters=[SpanAsked], responses=NominationShape(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """List nominations by half hour, revisions after what they revise."""
        site = self.find(self.rows(Site), slug=slug)
        span = {f"start_at__{'gte' if name == 'start' else 'lt'}": at for name, at in self.asked(SpanAsked).items()}
        return self.listed(BaselineNomination.objects.filter(site=site, **span), NominationShape)

    @extend_schema(request=NominationInput, responses={201: RecordedShape})
    def post(self, request: Request, slug: str) -> Response:
        """Nominate what the site would draw, all half hours or none, by noon of the day before (London).

        Repeating the same changes nothing; another value before the deadline revises it.
        """
        site = self.find(self.rows(Site).select_related("organisation"), slug=slug)
        given = self.given(NominationInput)["periods"]
        periods = {one["start"]: one["import_wh"] for one in given}
        if len(periods) < len(given):
            raise MarketError("NOMINATION_REFUSED", "A half hour is named twice.", fix="Name each once.")
        recorded = nominate_baseline(site=site, periods=periods, user=self.person, now=self.now)
        return Response({"received": len(given), "recorded": recorded}, status=201)
