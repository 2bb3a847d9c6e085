"""Settlement statements as their parties and the auditor read them and take them away."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_safe

from marketplace.models import SettlementStatement
from marketplace.queries.disputes import REASONS
from marketplace.queries.statement_json import statement_document
from marketplace.queries.statement_lines import LINE_HEADER, line_export
from marketplace.queries.statement_page import StatementPage, statement_page
from marketplace.queries.statement_pdf import statement_pdf
from marketplace.queries.statements import (
    HEADER,
    RUNS,
    STANDING,
    STATES,
    StatementFilters,
    filtered_statements,
    statement_export,
    statement_list,
)
from marketplace.queries.visible import visible
from marketplace.rules.dispute import ClaimUnit
from marketplace.rules.errors import MarketError
from marketplace.usecases.open_dispute import Evidence, open_dispute
from marketplace.web.exports import csv_response
from marketplace.web.page import (
    AUDITOR,
    GRID,
    OPERATOR,
    Problem,
    now,
    only,
    orders_topic,
    page,
    page_number,
    problem_from,
    query_without,
    user_of,
    viewer_for,
)

MOST_PENCE_DIGITS = 12


def filters_of(request: HttpRequest) -> StatementFilters:
    """The filters in the address; an unknown state is the usual one."""
    given = request.GET
    state = given.get("state", STANDING)
    return StatementFilters(
        run=given.get("run", ""),
        order=given.get("order", "").strip(),
        state=state if state in STATES else STANDING,
        disputed=given.get("disputed", ""),
    )


def own(request: HttpRequest, pk: str) -> SettlementStatement:
    """The statement, or 404."""
    return get_object_or_404(visible(SettlementStatement, user_of(request)), pk=pk)


def page_of(request: HttpRequest, found: SettlementStatement) -> StatementPage:
    """The statement as the organisation the person acts for sees it."""
    return statement_page(found, viewer_for(request).organisation, now())


@require_safe
@only(OPERATOR, GRID, AUDITOR)
def statements(request: HttpRequest) -> HttpResponse:
    """The list with its control totals."""
    filters = filters_of(request)
    context = {
        "found": statement_list(visible(SettlementStatement, user_of(request)), filters, page_number(request)),
        "filters": filters,
        "runs": RUNS,
        "states": STATES.items(),
        "query": query_without(request, "page"),
        "topic": orders_topic(request),
    }
    return page(request, "statements/list.html", context, here="statements")


@require_safe
@only(OPERATOR, GRID, AUDITOR)
def statements_csv(request: HttpRequest) -> HttpResponseBase:
    """Exactly the filtered statements."""
    rows = filtered_statements(visible(SettlementStatement, user_of(request)), filters_of(request))
    return csv_response("statements", HEADER, statement_export(rows))


@require_safe
@only(OPERATOR, GRID, AUDITOR)
def statement(request: HttpRequest, pk: str) -> HttpResponse:
    """One statement."""
    found = page_of(request, own(request, pk))
    context = {"p": found, "topic": orders_topic(request)}
    return page(request, "statements/statement.html", context, here="statements")


@require_safe
@only(OPERATOR, GRID, AUDITOR)
def statement_file(request: HttpRequest, pk: str, kind: str) -> HttpResponseBase:
    """One statement as a file: csv (its settlement periods), json (all of it) or pdf."""
    found = own(request, pk)
    if kind not in ("csv", "json", "pdf"):
        raise Http404("There is no such file of a statement.")
    shown = page_of(request, found)
    name = f"statement-{shown.row.short_id}-{shown.row.run}-{shown.row.version}"
    if kind == "csv":
        return csv_response(name, LINE_HEADER, line_export(shown.lines))
    if kind == "json":
        text = json.dumps(statement_document(shown, found), ensure_ascii=False, indent=2)
        return download(name, "json", text.encode(), "application/json")
    return download(name, "pdf", statement_pdf(shown), "application/pdf")


def download(name: str, ending: str, body: bytes, kind: str) -> HttpResponse:
    """A file to keep."""
    response = HttpResponse(body, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}.{ending}"'
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@only(OPERATOR, GRID)
def dispute(request: HttpRequest, pk: str) -> HttpResponse:
    """Say what is wrong, then open the dispute."""
    found = own(request, pk)
    if request.method != "POST":
        return form(request, found, ())
    try:
        opened = open_dispute(
            statement=found,
            organisation=viewer_for(request).organisation,
            user=user_of(request),
            **claim_of(request.POST),
            now=now(),
        )
    except MarketError as error:
        return form(request, found, (problem_from(error, field=str(error.details.get("column", ""))),))
    messages.info(request, "The dispute is open. The other party sees it with its deadline.")
    return redirect("dispute", opened.pk)


def form(request: HttpRequest, found: SettlementStatement, problems: tuple[Problem, ...]) -> HttpResponse:
    """The form with what was typed."""
    names = ("reason", "unit", "claimed_value", "words", "evidence_reference", "evidence_sha256")
    context = {
        "p": page_of(request, found),
        "reasons": REASONS.items(),
        "typed": {name: request.POST.get(name, "") for name in names},
        "chosen": request.POST.getlist("periods"),
    }
    return page(request, "statements/dispute.html", context, here="statements", problems=problems)


def claim_of(typed: Any) -> dict[str, Any]:
    """The form's values as the use case takes them. Raises MarketError BAD_CLAIM or BAD_PERIOD for what is no number or day."""
    unit = typed.get("unit", "")
    return {
        "reason": typed.get("reason", ""),
        "unit": unit,
        "claimed_value": value_of(typed.get("claimed_value", "").strip(), unit),
        "words": typed.get("words", "").strip(),
        "periods": [period_of(text) for text in typed.getlist("periods")],
        "evidence": Evidence(
            typed.get("evidence_reference", "").strip(), typed.get("evidence_sha256", "").strip().lower()
        ),
    }


def value_of(text: str, unit: str) -> int:
    """Pounds and pence as pence, or kWh as Wh: people write 12.50 and 410.25."""
    places = 2 if unit == ClaimUnit.PENCE else 3
    sign, digits = (-1, text[1:]) if text[:1] in ("-", "−") else (1, text)
    whole, _, part = digits.replace(",", "").removeprefix("£").partition(".")
    if (
        not (whole + part).isascii()
        or not (whole + part).isdigit()
        or len(part) > places
        or len(whole) > MOST_PENCE_DIGITS
    ):
        wanted = "Write pounds with at most two decimals." if places == 2 else "Write kWh with at most three decimals."
        raise MarketError(
            "BAD_CLAIM", f"The claimed value is {text[:40]!r}.", fix=wanted, details={"column": "claimed_value"}
        )
    return sign * int((whole or "0") + part.ljust(places, "0"))


def period_of(text: str) -> tuple[date, int]:
    """A settlement period as the form writes it: 2024-01-16/35."""
    day, _, number = text.partition("/")
    try:
        return date.fromisoformat(day), int(number)
    except ValueError:
        raise MarketError(
            "BAD_PERIOD",
            f"periods has {text[:40]!r}, which is no settlement period.",
            fix="Choose from the list.",
            details={"column": "periods"},
        ) from None
