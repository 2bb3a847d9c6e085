"""What is known of a site's settlement days, what was found in them, and what may stand in for a gap."""

from __future__ import annotations

from datetime import timedelta

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from flex_engine.settle.metering_estimates import rules
from marketplace.api.problems import FieldError, Invalid
from marketplace.api.shapes import Input, Instant, Shape
from marketplace.api.view import ApiView
from marketplace.models import Activation, Site
from marketplace.queries.readings import days_of
from marketplace.usecases.choose_estimation import choose_estimation

MOST_DAYS = 62


class DaysAsked(Input):
    """Which settlement days."""

    start = serializers.DateField(help_text="The first settlement day, such as 2024-01-15.")
    end = serializers.DateField(help_text="The settlement day after the last, at most 62 days on, such as 2024-01-16.")


class FindingShape(Shape):
    """One thing to look at."""

    code = serializers.CharField(help_text="GAP, FLAT, STEP, LIMIT, ESTIMATED or SUSPECT.")
    words = serializers.CharField()


class DayShape(Shape):
    """A settlement day."""

    day = serializers.DateField()
    periods = serializers.IntegerField(help_text="46, 48 or 50.")
    due = serializers.IntegerField(help_text="How many of them are over.")
    known = serializers.IntegerField(help_text="How many of those have a reading.")
    findings = FindingShape(many=True)


class DaysShape(Shape):
    """Settlement days as known at `as_of`."""

    as_of = Instant(read_only=True)
    days = DayShape(many=True)


class SiteReadingDays(ApiView):
    """The days of a site's meter."""

    scopes = {"GET": "readings:read"}
    tag = "readings"
    pagination_class = None

    @extend_schema(parameters=[DaysAsked], responses=DaysShape)
    def get(self, request: Request, slug: str) -> Response:
        """Read the quality of a site's import readings by settlement day: count, gaps, flat lines, steps and flags."""
        site = self.find(self.rows(Site), slug=slug)
        asked = self.asked(DaysAsked)
        count = (asked["end"] - asked["start"]).days
        if not 1 <= count <= MOST_DAYS:
            fix = f"Ask for 1 to {MOST_DAYS} days; the end is not included."
            raise Invalid([FieldError("end", str(asked["end"]), f"this asks for {count} days.", fix)])
        days = [asked["start"] + timedelta(days=number) for number in range(count)]
        return Response(DaysShape({"as_of": self.now, "days": days_of(site, days, self.now)}).data)


class EstimationInput(Input):
    """A rule, and what for."""

    rule = serializers.ChoiceField(
        [rule.id for rule in rules()],
        allow_blank=True,
        help_text="Write a rule such as linear-2-v1; empty ends the choice for the site.",
    )
    dispatch = serializers.IntegerField(
        required=False,
        help_text="Write the id of one dispatch; without it, all gaps of the site from now on are meant.",
    )


class EstimationShape(Shape):
    """What was chosen and done."""

    rule = serializers.CharField()
    chosen_at = Instant(read_only=True)
    estimated = serializers.IntegerField(help_text="Half hours of the dispatch that were estimated at once.")


class SiteEstimation(ApiView):
    """Choosing what stands in for a gap."""

    scopes = {"POST": "readings:write"}
    tag = "readings"

    @extend_schema(request=EstimationInput, responses={201: EstimationShape})
    def post(self, request: Request, slug: str) -> Response:
        """Choose the rule that stands in for missing readings, of one dispatch or of the site from now on."""
        site = self.find(self.rows(Site).select_related("organisation"), slug=slug)
        given = self.given(EstimationInput)
        activation = None
        if "dispatch" in given:
            rows = self.rows(Activation).select_related("order__offer__site__organisation")
            activation = self.find(rows, pk=given["dispatch"])
        choice, filled = choose_estimation(
            site=site, activation=activation, rule=given["rule"], user=self.person, now=self.now
        )
        told = {"rule": choice.rule, "chosen_at": choice.chosen_at, "estimated": filled}
        return Response(EstimationShape(told).data, status=201)
