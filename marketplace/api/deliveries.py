"""What a seller reported of a purchase's delivery: the half hours, and what they come to beside what it settled."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.api.shapes import Instant, Shape
from marketplace.api.view import ApiView
from marketplace.models import Purchase, PurchaseReading


class ReportedShape(Shape):
    """One half hour of one meter as the seller told it last. A figure of the seller's: measured by nobody here."""

    start_at = Instant(source="start", read_only=True)
    meter_id = serializers.CharField()
    instruction_id = serializers.CharField()
    baseline_wh = serializers.IntegerField(allow_null=True)
    metered_wh = serializers.IntegerField(allow_null=True)
    methodology = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment] # a field of that name
    known_at = Instant(read_only=True)
    told_before = serializers.IntegerField(source="before", help_text="How often it was told otherwise before.")


class DeliveryCheckShape(Shape):
    """What the seller's readings come to by the terms, beside what the seller settled."""

    settlement_id = serializers.CharField()
    agrees = serializers.BooleanField(allow_null=True)
    eligible_wh = serializers.IntegerField(allow_null=True)
    amount_pence = serializers.IntegerField(allow_null=True)
    settled_eligible_wh = serializers.IntegerField(allow_null=True)
    settled_pence = serializers.IntegerField(allow_null=True)
    because = serializers.CharField(help_text="Why nothing could be worked out; empty where it could.")
    note = serializers.CharField(help_text="What was taken as the seller states it.")
    differences = serializers.ListField(child=serializers.CharField())


class DeliveryShape(Shape):
    """The buyer's own record of what the seller reported."""

    readings = ReportedShape(many=True, source="rows")
    check = DeliveryCheckShape(allow_null=True)
    unreadable = serializers.ListField(child=serializers.CharField(), help_text="What could not be read, in words.")


class ReportedRowShape(Shape):
    """One half hour as it was told at one time; told otherwise later it is another row."""

    start_at = Instant(read_only=True)
    meter_id = serializers.CharField()
    instruction_id = serializers.CharField()
    baseline_wh = serializers.IntegerField(allow_null=True)
    metered_wh = serializers.IntegerField(allow_null=True)
    methodology = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment] # a field of that name
    told_at = Instant(read_only=True)
    known_at = Instant(read_only=True)


class PurchaseReadings(ApiView):
    """Everything a seller ever reported of a purchase's delivery."""

    scopes = {"GET": "purchases:read"}
    tag = "purchases"
    ordering = "pk"

    @extend_schema(responses=ReportedRowShape(many=True))
    def get(self, request: Request, pk: str) -> Response:
        """List the half hours as the seller told them, in the order in which they came; nothing is overwritten."""
        purchase = self.find(self.rows(Purchase), pk=pk)
        return self.listed(self.rows(PurchaseReading).filter(purchase=purchase), ReportedRowShape)
