"""Settlement statements for programs: the list, its control totals, one statement to work out again, and its files."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.api.shapes import Input, Instant, Shape
from marketplace.api.view import ApiView
from marketplace.models import SettlementStatement
from marketplace.queries.exports import csv_lines
from marketplace.queries.statement_json import statement_document
from marketplace.queries.statement_lines import LINE_HEADER, line_export
from marketplace.queries.statement_page import statement_page
from marketplace.queries.statement_pdf import statement_pdf
from marketplace.queries.statements import (
    HEADER,
    RUNS,
    STANDING,
    STATES,
    StatementFilters,
    added,
    filtered_statements,
    statement_export,
    statement_row,
    totals_by_run,
)

KIND = OpenApiParameter("kind", str, OpenApiParameter.PATH, enum=["csv", "pdf"])


class StatementsAsked(Input):
    """Which statements."""

    run = serializers.ChoiceField(RUNS, required=False, help_text=f"Write one of {', '.join(RUNS)}.")
    order = serializers.UUIDField(required=False, help_text="An order's id.")
    state = serializers.ChoiceField(
        list(STATES), required=False, default=STANDING, help_text="Write STANDING (what counts now), SUPERSEDED or ALL."
    )
    disputed = serializers.ChoiceField(["yes"], required=False, help_text="Write yes for those in dispute only.")


class StatementItemShape(Shape):
    """One statement of the list; money in pence, energy in Wh."""

    id = serializers.UUIDField()
    order = serializers.UUIDField()
    site = serializers.CharField(source="site_slug")
    run = serializers.CharField()
    version = serializers.IntegerField()
    state = serializers.ChoiceField([STANDING, "SUPERSEDED"])
    reason = serializers.CharField()
    start_at = Instant(source="start", read_only=True)
    end_at = Instant(source="end", read_only=True)
    delivered_wh = serializers.IntegerField()
    eligible_wh = serializers.IntegerField()
    shortfall_wh = serializers.IntegerField()
    payment_pence = serializers.IntegerField()
    penalty_pence = serializers.IntegerField()
    amount_pence = serializers.IntegerField(help_text="Payment less penalty; positive: to the seller.")
    delta_pence = serializers.IntegerField(allow_null=True, help_text="Against the statement that it supersedes.")
    vat_pence = serializers.IntegerField(allow_null=True, help_text="Null where no rate is known for the day.")
    in_dispute_pence = serializers.IntegerField(help_text="Apart from the amount: claimed differences without signs.")
    label = serializers.CharField()  # type: ignore[assignment] # a field of that name
    issued_at = Instant(source="created_at", read_only=True)
    knowledge_time = Instant(read_only=True)


class SumsShape(Shape):
    """Sums over statements."""

    count = serializers.IntegerField()
    delivered_wh = serializers.IntegerField()
    eligible_wh = serializers.IntegerField()
    shortfall_wh = serializers.IntegerField()
    payment_pence = serializers.IntegerField()
    penalty_pence = serializers.IntegerField()
    amount_pence = serializers.IntegerField()
    vat_pence = serializers.IntegerField()
    vat_unknown = serializers.IntegerField(help_text="How many have no VAT on record: it is not in the sum.")
    in_dispute_pence = serializers.IntegerField()


class TotalsShape(Shape):
    """Control totals of exactly the statements asked for, in all and by run."""

    all = SumsShape()
    by_run = serializers.DictField(child=SumsShape())


class StatementDocumentShape(Shape):
    """One statement with all that a third party needs to work it out again. Exact GBP and rates are decimal text."""

    format = serializers.CharField()
    statement_id = serializers.UUIDField()
    run_type = serializers.CharField()
    version = serializers.IntegerField()
    sequence = serializers.IntegerField()
    supersedes = serializers.UUIDField(allow_null=True)
    superseded_by = serializers.UUIDField(allow_null=True)
    reason = serializers.CharField()
    run_due = serializers.DictField(
        allow_null=True,
        help_text="Date, basis (PUBLISHED by a Settlement Calendar, or COMPUTED from offsets) and source.",
    )
    issued_at = serializers.DateTimeField()
    knowledge_time = serializers.DateTimeField()
    dispute_until = serializers.DateTimeField()
    contract_id = serializers.UUIDField()
    contract_hash = serializers.CharField(help_text="SHA-256 of the terms that were agreed.")
    settles = serializers.ChoiceField(
        ["DISPATCH", "ORDER"], help_text="ORDER: it was never called, or was cancelled late; it then has no periods."
    )
    event_id = serializers.CharField(allow_null=True, help_text="The dispatch, where one is settled.")
    asset = serializers.CharField(help_text="A name that stays the same in every statement and says no place.")
    seller = serializers.CharField()
    buyer = serializers.CharField()
    mechanism = serializers.CharField(allow_null=True)
    terms = serializers.DictField(help_text="Product, basis, tables, cap and rates the money was worked out by.")
    baseline = serializers.DictField(help_text="Method and facts: days used, adjustment, window.")
    periods = serializers.ListField(child=serializers.DictField(), help_text="One object a settlement period.")
    components = serializers.ListField(child=serializers.DictField(), help_text="They sum to the amount.")
    rounding_residual_gbp = serializers.CharField(
        allow_blank=True, help_text="Exact less paid, of this statement alone."
    )
    rounding = serializers.ListField(
        child=serializers.DictField(),
        help_text="By account: what rounding had left over before it, and leaves over now.",
    )
    compensation = serializers.ListField(child=serializers.DictField())
    carbon = serializers.DictField()
    vat = serializers.DictField()
    totals = serializers.DictField()
    currency = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment] # a field of that name
    disputes = serializers.ListField(child=serializers.DictField())
    proof = serializers.DictField(help_text="Where the statement stands in the log and on the chain.")
    evidence_root = serializers.CharField(help_text="RFC 6962 root over the canonical JSON of each period.")


class StatementView(ApiView):
    """What the addresses of statements share."""

    scopes = {"GET": "statements:read"}
    tag = "statements"

    def asked_rows(self) -> Any:
        """The statements that the query asks for, of those the person may see."""
        wanted = self.asked(StatementsAsked)
        order = str(wanted.pop("order", ""))
        return filtered_statements(self.rows(SettlementStatement), StatementFilters(order=order, **wanted))


class Statements(StatementView):
    """The list."""

    ordering = "-created_at"

    @extend_schema(parameters=[StatementsAsked], responses=StatementItemShape(many=True))
    def get(self, request: Request) -> Response:
        """List the statements of your orders, sold or bought, newest first. An auditor sees every organisation's."""
        page = self.paginate_queryset(self.asked_rows()) or []
        return self.get_paginated_response(StatementItemShape([statement_row(row) for row in page], many=True).data)


class StatementTotals(StatementView):
    """Sums."""

    pagination_class = None

    @extend_schema(parameters=[StatementsAsked], responses=TotalsShape)
    def get(self, request: Request) -> Response:
        """Sum the figures of exactly the statements that the list of the same query holds, over all its slices."""
        by_run = totals_by_run(self.asked_rows())
        found = {"all": asdict(added(by_run.values())), "by_run": {run: asdict(one) for run, one in by_run.items()}}
        return Response(TotalsShape(found).data)


class StatementsCsv(StatementView):
    """The list as a file."""

    pagination_class = None

    @extend_schema(parameters=[StatementsAsked], responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request) -> Any:
        """Download the statements that the list of the same query holds, as CSV."""
        return csv_of("statements", HEADER, statement_export(self.asked_rows()))


class OneStatement(StatementView):
    """One statement."""

    @extend_schema(responses=StatementDocumentShape)
    def get(self, request: Request, pk: str) -> Response:
        """Read one statement with all that it takes to work it out again."""
        statement = self.find(self.rows(SettlementStatement), pk=pk)
        return Response(statement_document(statement_page(statement, self.organisation, self.now), statement))


class StatementFile(StatementView):
    """Its files."""

    @extend_schema(
        operation_id="statements_file_retrieve",
        parameters=[KIND],
        responses={(200, "text/csv"): OpenApiTypes.STR, (200, "application/pdf"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: str, kind: str) -> Any:
        """Download one statement as csv (its settlement periods) or pdf. The same figures as the page and the document."""
        statement = self.find(self.rows(SettlementStatement), pk=pk)
        if kind not in ("csv", "pdf"):
            raise NotFound(f"There is no file {kind!r} of a statement; there are csv and pdf.")
        page = statement_page(statement, self.organisation, self.now)
        name = f"statement-{page.row.short_id}-{page.row.run}-{page.row.version}"
        if kind == "csv":
            return csv_of(name, LINE_HEADER, line_export(page.lines))
        return attached(HttpResponse(statement_pdf(page), content_type="application/pdf"), f"{name}.pdf")


def csv_of(name: str, header: Any, rows: Any) -> StreamingHttpResponse:
    """A CSV download."""
    return attached(
        StreamingHttpResponse(csv_lines(header, rows), content_type="text/csv; charset=utf-8"), f"{name}.csv"
    )


def attached(response: Any, name: str) -> Any:
    """The response as a file to keep."""
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
