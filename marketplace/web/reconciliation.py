"""The reconciliation of P415 sales as the seller and the auditor read it, and sending again what came back."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from flex_engine.settle.settlement_calendar import runs
from flex_engine.timegrid import settlement_period
from marketplace.models import PositionNotification
from marketplace.queries.reconciliation import HEADER, Filters, export_rows, reconciliation
from marketplace.queries.visible import visible
from marketplace.rules.errors import MarketError
from marketplace.usecases.resubmit_notification import resubmit_notification
from marketplace.web.exports import csv_response
from marketplace.web.page import (
    AUDITOR,
    OPERATOR,
    Problem,
    now,
    only,
    orders_topic,
    page,
    posted,
    problem_from,
    query_without,
    user_of,
)


def filters_of(request: HttpRequest) -> tuple[Filters, tuple[Problem, ...]]:
    """The filters in the address, and what is wrong with them."""
    problems = []
    day, text, run = None, request.GET.get("day", ""), request.GET.get("run", "")
    if text:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            problems.append(Problem(f"The day is {text[:40]!r}.", "Write a date such as 2026-01-15.", "day"))
    if day is not None and not 2000 <= day.year < 2100:
        problems.append(Problem(f"The day is {text[:40]!r}.", "Write a date between 2000 and 2100.", "day"))
        day = None
    if run and run not in runs():
        problems.append(Problem(f"The run is {run[:40]!r}.", f"Choose one of {', '.join(runs())}.", "run"))
        run = ""
    return Filters(request.GET.get("site", ""), day, run), tuple(problems)


@require_safe
@only(OPERATOR, AUDITOR)
def positions(request: HttpRequest) -> HttpResponse:
    """The four views of a day side by side."""
    return shown(request)


def shown(request: HttpRequest, *more: Problem) -> HttpResponse:
    """The page, with problems on top where there are any."""
    filters, problems = filters_of(request)
    found = reconciliation(user_of(request), filters, now=now())
    context = {
        "p": found,
        "filters": filters,
        "runs": runs(),
        "query": query_without(request),
        "topic": orders_topic(request),
    }
    return page(request, "reconciliation/day.html", context, here="orders", problems=(*more, *problems))


@require_safe
@only(OPERATOR, AUDITOR)
def positions_csv(request: HttpRequest) -> HttpResponseBase:
    """Exactly what the page shows."""
    filters, _ = filters_of(request)
    found = reconciliation(user_of(request), filters, now=now())
    return csv_response(f"reconciliation-{found.day}", HEADER, export_rows(found))


@require_safe
@only(OPERATOR, AUDITOR)
def place(request: HttpRequest, pk: int) -> HttpResponse:
    """The day and site of one notification."""
    row = get_object_or_404(visible(PositionNotification, user_of(request)).select_related("site"), pk=pk)
    return redirect(
        f"{reverse('reconciliation')}?{urlencode({'day': settlement_period(row.start_at)[0], 'site': row.site.slug})}"
    )


@posted("reconciliation-place")
@only(OPERATOR)
def resubmit(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue a notification that came back once more."""
    row = get_object_or_404(visible(PositionNotification, user_of(request)), pk=pk)
    try:
        resubmit_notification(notification=row, user=user_of(request), now=now())
    except MarketError as problem:
        return shown(request, problem_from(problem))
    return redirect(reverse("reconciliation-place", args=[pk]))


@require_safe
@only(OPERATOR, AUDITOR)
def file(request: HttpRequest, pk: int) -> HttpResponse:
    """The bytes of one notification, as they went to the simulated counterparty."""
    row = get_object_or_404(visible(PositionNotification, user_of(request)), pk=pk)
    answer = HttpResponse(bytes(row.content), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="{row.key}.json"'
    return answer
