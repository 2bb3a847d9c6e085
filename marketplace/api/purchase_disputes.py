"""Disputes with a seller elsewhere: each is a signed message, and what the seller says of it appears with the purchase."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.api.disputes import REASONS, UNITS, DisputeInput
from marketplace.api.shapes import Input, Instant, Shape
from marketplace.api.view import ApiView
from marketplace.models import Purchase, PurchaseDispute
from marketplace.queries.purchase_disputes import purchase_dispute_row
from marketplace.rules.dispute import DisputeStep
from marketplace.usecases.dispute_purchase import dispute_purchase, step_dispute
from marketplace.usecases.open_dispute import Evidence

STEPS = {"uphold": DisputeStep.UPHOLD, "escalate": DisputeStep.ESCALATE}
STEP = OpenApiParameter("step", str, OpenApiParameter.PATH, enum=list(STEPS))


class StepWordsInput(Input):
    """What a step says."""

    words = serializers.CharField(max_length=1000, help_text="Say in a few sentences why.")


class PurchaseDisputeShape(Shape):
    """A dispute with a seller elsewhere, as the seller's own messages say that it stands."""

    id = serializers.UUIDField()
    settlement_id = serializers.CharField()
    dispute_id = serializers.CharField(help_text="The seller's own id, once it is open there.")
    state = serializers.ChoiceField(PurchaseDispute.State.choices)
    reason = serializers.ChoiceField(REASONS)
    unit = serializers.ChoiceField(UNITS)
    claimed_value = serializers.IntegerField(source="claimed", help_text="In the unit: pence, or eligible Wh.")
    words = serializers.CharField()
    answer = serializers.CharField(help_text="The newest step, in the words that the seller tells.")
    answer_due_at = Instant(allow_null=True, read_only=True)
    decision_due_at = Instant(allow_null=True, read_only=True)
    amended_by = serializers.CharField(help_text="The settlement that took its place; empty where there is none.")
    refusal_code = serializers.CharField()
    refusal = serializers.CharField()
    opened_at = Instant(read_only=True)
    updated_at = Instant(read_only=True)
    next_steps = serializers.ListField(child=serializers.CharField(), source="steps")


class PurchaseDisputes(ApiView):
    """The disputes of one purchase."""

    scopes = {"GET": "purchases:read", "POST": "disputes:write"}
    tag = "purchases"
    pagination_class = None

    @extend_schema(responses=PurchaseDisputeShape(many=True))
    def get(self, request: Request, pk: str) -> Response:
        """List the disputes of a purchase with a seller elsewhere, in the order in which they were opened."""
        purchase = self.find(self.rows(Purchase), pk=pk)
        rows = (
            self.rows(PurchaseDispute)
            .filter(purchase=purchase)
            .order_by("created_at", "settlement_id", "claimed_value")
        )
        return Response(PurchaseDisputeShape([purchase_dispute_row(row) for row in rows], many=True).data)

    @extend_schema(request=DisputeInput, responses={202: PurchaseDisputeShape})
    def post(self, request: Request, pk: str) -> Response:
        """Dispute the settlement that stands. It is sent to the seller; the same claim sent twice is one dispute."""
        purchase = self.find(self.rows(Purchase), pk=pk)
        given = self.given(DisputeInput)
        row = dispute_purchase(
            purchase=purchase,
            reason=given["reason"],
            unit=given["unit"],
            claimed_value=given["claimed_value"],
            words=given["words"],
            periods=[(one["settlement_date"], one["settlement_period"]) for one in given["periods"]],
            evidence=Evidence(given["evidence_reference"], given["evidence_sha256"]),
            user=self.person,
            now=self.now,
        )
        return Response(PurchaseDisputeShape(purchase_dispute_row(row)).data, status=202)


class PurchaseDisputeStep(ApiView):
    """The buyer's next step."""

    scopes = {"POST": "disputes:write"}
    tag = "purchases"

    @extend_schema(
        operation_id="purchases_disputes_step",
        parameters=[STEP],
        request=StepWordsInput,
        responses={202: PurchaseDisputeShape},
    )
    def post(self, request: Request, pk: str, dispute: str, step: str) -> Response:
        """Send a step: uphold (the settlement is accepted) or escalate. Where it leads, the seller's answer says."""
        found = self.find(self.rows(PurchaseDispute).filter(purchase__in=self.rows(Purchase).filter(pk=pk)), pk=dispute)
        if step not in STEPS:
            raise NotFound(f"There is no step {step!r}; there are {', '.join(STEPS)}.")
        given = self.given(StepWordsInput)
        row = step_dispute(dispute=found, step=STEPS[step], words=given["words"], user=self.person, now=self.now)
        return Response(PurchaseDisputeShape(purchase_dispute_row(row)).data, status=202)
