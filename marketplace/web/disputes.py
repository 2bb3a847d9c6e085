"""Disputes as their parties take them on, and as the auditor reads them."""

from __future__ import annotations

from datetime import date, datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_safe

from marketplace.models import Dispute
from marketplace.queries.disputes import (
    HEADER,
    REASONS,
    STATES,
    DisputeFilters,
    dispute_export,
    dispute_list,
    dispute_page,
    filtered_disputes,
    money_in_dispute,
)
from marketplace.queries.visible import visible
from marketplace.rules.dispute import DisputeStep
from marketplace.rules.errors import MarketError
from marketplace.usecases.advance_dispute import advance_dispute
from marketplace.usecases.amend_dispute import Correction, amend_dispute
from marketplace.usecases.open_dispute import Evidence
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

SAID = {
    "respond": "Your answer is with the other party.",
    "uphold": "The statement stands, and the dispute is closed.",
    "amend": "A new statement supersedes the disputed one, and the dispute is closed.",
    "escalate": "The dispute is escalated.",
}
TYPED = ("words", "evidence_reference", "evidence_sha256", "agrees", "readings", "source", "event_day")


def filters_of(request: HttpRequest) -> DisputeFilters:
    """The filters in the address."""
    return DisputeFilters(state=request.GET.get("state", ""), reason=request.GET.get("reason", ""))


@require_safe
@only(OPERATOR, GRID, AUDITOR)
def disputes(request: HttpRequest) -> HttpResponse:
    """The list, with the money in dispute."""
    rows, filters = visible(Dispute, user_of(request)), filters_of(request)
    context = {
        "p": dispute_list(rows, filters, page_number(request), now()),
        "money": money_in_dispute(filtered_disputes(rows, filters)),
        "filters": filters,
        "states": [("UNDECIDED", "Not decided yet"), *((state.value, name) for state, name in STATES.items())],
        "reasons": REASONS.items(),
        "query": query_without(request, "page"),
        "topic": orders_topic(request),
    }
    return page(request, "disputes/list.html", context, here="statements")


@require_safe
@only(OPERATOR, GRID, AUDITOR)
def disputes_csv(request: HttpRequest) -> HttpResponseBase:
    """Exactly the filtered disputes."""
    rows = filtered_disputes(visible(Dispute, user_of(request)), filters_of(request))
    return csv_response("disputes", HEADER, dispute_export(rows, now()))


@require_safe
@only(OPERATOR, GRID, AUDITOR)
def dispute(request: HttpRequest, pk: str) -> HttpResponse:
    """One dispute: the claim, every step, and what can be done next."""
    return shown(request, own(request, pk), ())


def own(request: HttpRequest, pk: str) -> Dispute:
    """The dispute, or 404."""
    rows = visible(Dispute, user_of(request))
    related = ("statement__order__offer__site", "opened_by", "amended_by")
    return get_object_or_404(rows.select_related(*related).prefetch_related("lines"), pk=pk)


def shown(request: HttpRequest, found: Dispute, problems: tuple[Problem, ...]) -> HttpResponse:
    """Its page, with what was typed."""
    dispute = dispute_page(found, viewer_for(request).organisation, now())
    context = {
        "p": dispute,
        "topic": orders_topic(request),
        "typed": {name: request.POST.get(name, "") for name in TYPED},
    }
    return page(request, "disputes/dispute.html", context, here="statements", problems=problems)


@require_http_methods(["GET", "HEAD", "POST"])
@only(OPERATOR, GRID)
def step(request: HttpRequest, pk: str, step: str) -> HttpResponse:
    """Take a step; whoever comes by a link lands on the dispute."""
    found = own(request, pk)
    if step not in SAID:
        raise Http404("There is no such step.")
    if request.method != "POST":
        return redirect("dispute", found.pk)
    try:
        take(request, found, step)
    except MarketError as error:
        found.refresh_from_db()
        return shown(request, found, (problem_from(error, field=field_of(error)),))
    messages.info(request, SAID[step])
    return redirect("dispute", found.pk)


def take(request: HttpRequest, found: Dispute, step: str) -> None:
    """One call to the use case of the step."""
    typed, user, organisation = request.POST, user_of(request), viewer_for(request).organisation
    words = typed.get("words", "").strip()
    evidence = Evidence(typed.get("evidence_reference", "").strip(), typed.get("evidence_sha256", "").strip().lower())
    if step == "amend":
        amend_dispute(
            dispute=found,
            organisation=organisation,
            user=user,
            words=words,
            evidence=evidence,
            correction=correction_of(typed.get("readings", ""), typed.get("source", ""), typed.get("event_day", "")),
            now=now(),
        )
        return
    agrees = {"yes": True, "no": False}.get(typed.get("agrees", "")) if step == "respond" else None
    advance_dispute(
        dispute=found,
        step=DisputeStep(step.upper()),
        organisation=organisation,
        user=user,
        words=words,
        evidence=evidence,
        agrees=agrees,
        now=now(),
    )


def field_of(error: MarketError) -> str:
    """The form's field an error is about; a reading is one line of the box of readings."""
    if error.code == "BAD_READING":
        return "readings"
    return str(error.details.get("column", ""))


def correction_of(readings: str, source: str, event_day: str) -> Correction:
    """The form's inputs. Raises MarketError BAD_READING naming the line, or BAD_EVENT_DAY."""
    pairs = [reading_of(number, line) for number, line in enumerate(readings.splitlines(), 1) if line.strip()]
    days = []
    if event_day.strip():
        try:
            days.append(date.fromisoformat(event_day.strip()))
        except ValueError:
            raise MarketError(
                "BAD_EVENT_DAY",
                f"event_day is {event_day[:40]!r}, which is no day.",
                fix="Write it like 2024-01-12.",
                details={"column": "event_day"},
            ) from None
    return Correction(readings=pairs, source=source.strip() or "dispute", event_days=days)


def reading_of(number: int, line: str) -> tuple[datetime, int]:
    """One line of the box: start in UTC, a comma, Wh. Raises MarketError naming the line."""
    start, _, wh = line.partition(",")
    try:
        return datetime.fromisoformat(start.strip()), int(wh.strip().replace("_", "x"))
    except ValueError:
        raise MarketError(
            "BAD_READING",
            f"Line {number} is {line.strip()[:60]!r}.",
            fix="Write each reading as start, Wh: 2024-01-16T17:00:00Z, 412500.",
            details={"column": "readings"},
        ) from None
