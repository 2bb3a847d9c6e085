"""The plan of a site, and asking for a new one."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.api.shapes import Instant, Shape
from marketplace.api.sites import Nothing
from marketplace.api.uploads import AssumptionShape
from marketplace.api.view import ApiView
from marketplace.models import Plan, Site
from marketplace.queries.sites import current_plan
from marketplace.usecases.request_plan import request_plan


class HeldShape(Shape):
    """A half hour held for an order: the most the site may draw, or for a turn-up the least it must."""

    order = serializers.CharField()
    start_at = Instant(source="start", read_only=True)
    site_max_kw = serializers.FloatField(allow_null=True, help_text="null: this order sets no most.")
    site_min_kw = serializers.FloatField(allow_null=True, help_text="null: this order sets no least.")


class RefusedShape(Shape):
    """An attempt that did not solve; the plan before it stays in force."""

    id = serializers.IntegerField()
    state = serializers.ChoiceField(Plan.State.choices)
    status = serializers.CharField()
    reasons = serializers.ListField(child=serializers.CharField())
    created_at = Instant(read_only=True)


def numbers(words: str) -> serializers.ListField:
    """A list with one number for each half hour from `start_at`."""
    return serializers.ListField(child=serializers.FloatField(), help_text=words)


def runs() -> serializers.DictField:
    """When each job runs."""
    pair = serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=2)
    words = "{job id: [[slot, share of the half hour at full power], ...]}"
    return serializers.DictField(child=serializers.ListField(child=pair), help_text=words)


class PlanShape(Shape):
    """The plan in force. Costs and carbon are forecasts: they rest on `signal_sources` and `assumptions`."""

    id = serializers.IntegerField()
    state = serializers.ChoiceField(Plan.State.choices)
    created_at = Instant(read_only=True)
    start_at = Instant(read_only=True)
    slots = serializers.IntegerField(help_text="Half hours from start_at.")
    status = serializers.CharField(help_text="What the solver says: OPTIMAL or FEASIBLE.")
    solver = serializers.CharField()
    solve_s = serializers.FloatField()
    gap = serializers.FloatField(allow_null=True)
    load_kw = numbers("Planned site power.")
    fifo_load_kw = numbers("Site power under first come, first served.")
    price_gbp_per_mwh = numbers("The price forecast the plan was made with.")
    carbon_g_per_kwh = numbers("The carbon forecast the plan was made with, in gCO2e/kWh.")
    down_kw = numbers("Power that could be turned down in that half hour alone.")
    up_kw = numbers("Power that could be turned up in that half hour alone.")
    allocations = runs()
    fifo_allocations = runs()
    commitments = HeldShape(many=True)
    cost_gbp = serializers.FloatField(help_text="Forecast.")
    fifo_cost_gbp = serializers.FloatField(help_text="Forecast.")
    carbon_kg = serializers.FloatField(help_text="Forecast, kg CO2e.")
    fifo_carbon_kg = serializers.FloatField(help_text="Forecast, kg CO2e.")
    reasons = serializers.ListField(child=serializers.CharField())
    signal_sources = serializers.ListField(child=serializers.CharField())
    assumptions = AssumptionShape(many=True)


class PlanAnswerShape(PlanShape):
    """The plan in force; while there is none, `id` and everything that belongs to the plan are null."""

    replan_requested_at = Instant(allow_null=True, read_only=True, help_text="Set while a new plan is wanted.")
    refused = RefusedShape(allow_null=True, help_text="The newest attempt, when it did not solve.")

    def get_fields(self) -> dict[str, Any]:
        """The plan's own fields, which may all be null."""
        fields = super().get_fields()
        for field in fields.values():
            field.allow_null = True
        return fields


class SitePlan(ApiView):
    """The plan of a site."""

    scopes = {"GET": "plans:read", "POST": "plans:write"}
    tag = "plans"

    @extend_schema(responses=PlanAnswerShape)
    def get(self, request: Request, slug: str) -> Response:
        """Read the plan in force, beside what first come, first served would do.

        While a site has no plan yet, `id` is null. `refused` says why the newest attempt did not solve.
        """
        return Response(plan_answer(self.find(self.rows(Site), slug=slug)))

    @extend_schema(request=None, responses={202: PlanAnswerShape})
    def post(self, request: Request, slug: str) -> Response:
        """Ask for a new plan. It appears here with a higher `id`; asking twice plans once."""
        site = self.find(self.rows(Site).select_related("organisation"), slug=slug)
        self.given(Nothing)
        request_plan(site=site, user=self.person, now=self.now)
        site.refresh_from_db(fields=["replan_requested_at"])
        return Response(plan_answer(site), status=202)


def plan_answer(site: Site) -> dict[str, Any]:
    """The plan in force with what has been wanted or refused since."""
    plan = current_plan(site)
    newest = Plan.objects.filter(site=site).order_by("-created_at", "-pk").first()
    refused = newest if newest is not None and newest.state != Plan.State.READY else None
    return {
        **(PlanShape(plan).data if plan else dict.fromkeys(PlanShape().fields)),
        "replan_requested_at": Instant(read_only=True).to_representation(site.replan_requested_at)
        if site.replan_requested_at
        else None,
        "refused": RefusedShape(refused).data if refused else None,
    }
