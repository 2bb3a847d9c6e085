"""Disputes over settlement statements: opened by a party of the order, answered by the other, and decided."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.api.readings import MOST_WH, ReadingInput
from marketplace.api.shapes import Input, Instant, Shape
from marketplace.api.view import ApiView
from marketplace.models import Dispute, SettlementStatement
from marketplace.queries.disputes import STATES, DisputeFilters, dispute_page, dispute_row, filtered_disputes, whole
from marketplace.rules.dispute import ClaimUnit, DisputeStep, ReasonCode
from marketplace.usecases.advance_dispute import advance_dispute
from marketplace.usecases.amend_dispute import Correction, amend_dispute
from marketplace.usecases.open_dispute import Evidence, open_dispute

STEPS = {step.value.lower(): step for step in DisputeStep}
STEP = OpenApiParameter("step", str, OpenApiParameter.PATH, enum=list(STEPS))
SHA256 = r"^[0-9a-f]{64}$"
REASONS, UNITS = [one.value for one in ReasonCode], [one.value for one in ClaimUnit]


class EvidenceInput(Input):
    """Words, and where evidence is to be found."""

    words = serializers.CharField(
        max_length=1000, help_text="Say in a few sentences what is wrong, or what you answer."
    )
    evidence_reference = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=200, help_text="Say where the evidence is."
    )
    evidence_sha256 = serializers.RegexField(
        SHA256, required=False, default="", allow_blank=True, help_text="Write the SHA-256 of the evidence in hex."
    )


class ClaimedPeriodInput(Input):
    """One settlement period."""

    settlement_date = serializers.DateField(help_text="Write the settlement date, such as 2024-01-16.")
    settlement_period = serializers.IntegerField(min_value=1, max_value=50, help_text="Write 1 to 50.")


class DisputeInput(EvidenceInput):
    """A claim against one statement."""

    reason = serializers.ChoiceField(REASONS, help_text=f"Write one of {', '.join(REASONS)}.")
    unit = serializers.ChoiceField(UNITS, help_text="Write PENCE for money, or WH for eligible energy.")
    claimed_value = serializers.IntegerField(
        min_value=-MOST_WH,
        max_value=MOST_WH,
        help_text="Write what the disputed part should come to, as a whole number.",
    )
    periods = serializers.ListField(
        child=ClaimedPeriodInput(),
        required=False,
        default=list,
        max_length=100,
        help_text="Name the settlement periods in dispute; none means the whole statement.",
    )


class DisputeStepInput(EvidenceInput):
    """What a step says. `agrees` goes with respond; readings and event days with amend."""

    agrees = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="With respond: write true where the claim is right."
    )
    readings = serializers.ListField(
        child=ReadingInput(),
        required=False,
        default=list,
        max_length=500,
        help_text="With amend: the revised readings.",
    )
    source = serializers.CharField(  # type: ignore[assignment] # a field of that name
        required=False, default="dispute", max_length=80, help_text="With amend: name where the readings come from."
    )
    label = serializers.ChoiceField(  # type: ignore[assignment] # a field of that name
        ("MEASURED", "SIMULATED"), required=False, default="MEASURED", help_text="Write MEASURED or SIMULATED."
    )
    event_days = serializers.ListField(
        child=serializers.DateField(),
        required=False,
        default=list,
        max_length=60,
        help_text="With amend: days to declare.",
    )


class DisputesAsked(Input):
    """Which disputes."""

    state = serializers.ChoiceField(
        ["UNDECIDED", *(state.value for state in STATES)], required=False, help_text="Write UNDECIDED or one state."
    )
    reason = serializers.ChoiceField(REASONS, required=False, help_text="Write one reason code.")


class ClaimedPeriodShape(Shape):
    """One settlement period in dispute."""

    settlement_date = serializers.DateField()
    settlement_period = serializers.IntegerField()


class DisputeShape(Shape):
    """One dispute."""

    id = serializers.UUIDField()
    order = serializers.UUIDField()
    statement = serializers.UUIDField()
    run = serializers.CharField()
    version = serializers.IntegerField()
    state = serializers.ChoiceField([state.value for state in STATES])
    overdue = serializers.BooleanField(help_text="The answer, or the decision, is late.")
    opened_by = serializers.CharField()
    side = serializers.ChoiceField(["SELLER", "BUYER"])
    reason = serializers.ChoiceField(REASONS)
    periods = serializers.SerializerMethodField()
    unit = serializers.ChoiceField(UNITS)
    stated_value = serializers.IntegerField(source="stated", help_text="In the unit: pence, or eligible Wh.")
    claimed_value = serializers.IntegerField(source="claimed", help_text="In the unit: pence, or eligible Wh.")
    difference_pence = serializers.IntegerField(help_text="Claimed less stated, at the order's rates.")
    opened_at = Instant(read_only=True)
    response_due_at = Instant(read_only=True)
    decision_due_at = Instant(allow_null=True, read_only=True)
    closed_at = Instant(allow_null=True, read_only=True)
    amended_by = serializers.SerializerMethodField()

    def get_periods(self, row: Any) -> list[dict[str, Any]]:
        """The settlement periods in dispute; none is the whole statement."""
        return [{"settlement_date": day.isoformat(), "settlement_period": period} for day, period in row.periods]

    def get_amended_by(self, row: Any) -> str | None:
        """The new statement, where there is one."""
        return row.amended_by or None


class DisputeStepShape(Shape):
    """One step that was taken."""

    step = serializers.CharField()
    side = serializers.CharField()
    organisation = serializers.CharField()
    words = serializers.CharField()
    evidence_reference = serializers.CharField()
    evidence_sha256 = serializers.CharField()
    agrees = serializers.BooleanField(allow_null=True)
    at = Instant(read_only=True)


class DisputeDetailShape(Shape):
    """A dispute with every step, and what the asker can do next."""

    dispute = DisputeShape(source="row")
    steps_taken = DisputeStepShape(source="entries", many=True)
    your_side = serializers.CharField(source="side", help_text="SELLER, BUYER, or empty for somebody who only reads.")
    next_steps = serializers.ListField(child=serializers.CharField(), source="steps")


class DisputeView(ApiView):
    """What the addresses of disputes share."""

    tag = "disputes"

    def detail(self, dispute: Dispute, status: int = 200) -> Response:
        """The dispute as it stands."""
        fresh = whole(Dispute.objects.filter(pk=dispute.pk)).select_related("amended_by").get()
        return Response(DisputeDetailShape(dispute_page(fresh, self.organisation, self.now)).data, status=status)


class Disputes(DisputeView):
    """The list."""

    scopes = {"GET": "statements:read"}
    ordering = "-opened_at"

    @extend_schema(parameters=[DisputesAsked], responses=DisputeShape(many=True))
    def get(self, request: Request) -> Response:
        """List the disputes over statements of your orders, newest first. An auditor sees every organisation's."""
        rows = filtered_disputes(self.rows(Dispute), DisputeFilters(**self.asked(DisputesAsked)))
        page, now = self.paginate_queryset(rows) or [], self.now
        return self.get_paginated_response(DisputeShape([dispute_row(row, now) for row in page], many=True).data)


class OneDispute(DisputeView):
    """One dispute."""

    scopes = {"GET": "statements:read"}

    @extend_schema(responses=DisputeDetailShape)
    def get(self, request: Request, pk: str) -> Response:
        """Read one dispute with every step that was taken."""
        return self.detail(self.find(self.rows(Dispute), pk=pk))


class StatementDisputes(DisputeView):
    """The disputes of one statement."""

    scopes = {"POST": "disputes:write"}

    @extend_schema(request=DisputeInput, responses={201: DisputeDetailShape})
    def post(self, request: Request, pk: str) -> Response:
        """Open a dispute over a statement that stands. The same claim sent twice is one dispute."""
        statement = self.find(self.rows(SettlementStatement), pk=pk)
        given = self.given(DisputeInput)
        opened = open_dispute(
            statement=statement,
            organisation=self.organisation,
            user=self.person,
            reason=given["reason"],
            unit=given["unit"],
            claimed_value=given["claimed_value"],
            words=given["words"],
            periods=[(one["settlement_date"], one["settlement_period"]) for one in given["periods"]],
            evidence=Evidence(given["evidence_reference"], given["evidence_sha256"]),
            now=self.now,
        )
        return self.detail(opened, 201)


class DisputeStepTaken(DisputeView):
    """The next step."""

    scopes = {"POST": "disputes:write"}

    @extend_schema(parameters=[STEP], request=DisputeStepInput, responses=DisputeDetailShape)
    def post(self, request: Request, pk: str, step: str) -> Response:
        """Take a step: respond, uphold (the statement stands), amend (a new one is worked out) or escalate.

        amend takes inputs, never figures of the statement: revised readings, event days, or nothing where they are
        recorded already. It is refused where the statement worked out again says the same.
        """
        dispute = self.find(self.rows(Dispute), pk=pk)
        if step not in STEPS:
            raise NotFound(f"There is no step {step!r}; there are {', '.join(STEPS)}.")
        given = self.given(DisputeStepInput)
        common: dict[str, Any] = {
            "dispute": dispute,
            "organisation": self.organisation,
            "user": self.person,
            "words": given["words"],
            "evidence": Evidence(given["evidence_reference"], given["evidence_sha256"]),
            "now": self.now,
        }
        if step == "amend":
            readings = [(one["start"], one["import_wh"]) for one in given["readings"]]
            correction = Correction(readings, given["source"], given["label"], given["event_days"])
            return self.detail(amend_dispute(correction=correction, **common))
        return self.detail(advance_dispute(step=STEPS[step], agrees=given["agrees"], **common))
