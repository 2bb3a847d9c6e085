"""The flexibility products in force on a day: the same for everybody, from the engine's dated rows."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from flex_engine.settle.products import products
from flex_engine.timegrid import floor_half_hour, settlement_period
from marketplace.api.shapes import Exact, Input, Shape
from marketplace.api.view import ApiView


class ProductShape(Shape):
    """A product: who buys, what is paid, how it is called and measured. `note` says what of it is assumed."""

    key = serializers.CharField()
    name = serializers.CharField()
    buyer = serializers.CharField()
    regulatory_basis = serializers.CharField()
    directions = serializers.ListField(child=serializers.CharField())
    dispatch = serializers.CharField(help_text="NONE, SCHEDULE (what is sold is the instruction) or INSTRUCTION.")
    pays = serializers.CharField()
    window = serializers.SerializerMethodField()
    notice_s = serializers.IntegerField()
    ramp_s = serializers.IntegerField()
    minimum_kw = Exact(read_only=True)
    gate_closure_s = serializers.IntegerField(help_text="Seconds before the window.")
    max_events_per_day = serializers.IntegerField()
    baseline_methods = serializers.ListField(child=serializers.CharField())
    default_baseline = serializers.CharField()
    performance_table = serializers.CharField()
    availability_table = serializers.CharField(allow_null=True)
    cap_percent = serializers.IntegerField()
    penalty_rule = serializers.CharField()
    reference_availability_gbp_per_mw_h = Exact(allow_null=True, read_only=True)
    evidence = serializers.CharField()
    note = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment] # a field of that name

    def get_window(self, product: object) -> str | None:
        """In words, in London time; null where the contract sets it."""
        window = getattr(product, "window", None)
        return None if window is None else str(window)


class ProductsAsked(Input):
    """On which day."""

    day = serializers.DateField(required=False, help_text="Write a settlement day, such as 2026-01-15.")


class Products(ApiView):
    """The list."""

    scopes = {"GET": ""}
    tag = "offers"
    pagination_class = None

    @extend_schema(parameters=[ProductsAsked], responses=ProductShape(many=True))
    def get(self, request: Request) -> Response:
        """List the products that can be sold on a settlement day, today if none is named."""
        today, _ = settlement_period(floor_half_hour(self.now))
        day = self.asked(ProductsAsked).get("day", today)
        return Response(ProductShape(products(day), many=True).data)
