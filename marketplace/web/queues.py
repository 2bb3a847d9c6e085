"""A site's job queue: the table, its export, and the form that takes a new file in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from marketplace.models import Site
from marketplace.queries.queue import HEADER, JobFilters, filtered_jobs, job_export, queue_page
from marketplace.rules.errors import MarketError
from marketplace.usecases.upload_queue import upload_queue
from marketplace.web.exports import csv_response
from marketplace.web.page import (
    OPERATOR,
    Problem,
    now,
    only,
    page,
    page_number,
    problem_from,
    query_without,
    user_of,
)
from marketplace.web.sites import own_site

MOST_SLACK_H = Decimal(24 * 366)


@dataclass(frozen=True, slots=True)
class UploadForm:
    """What was typed, kept as typed, so that a refused form comes back as it was."""

    paste: str = ""
    slack: str = ""
    epoch: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
@only(OPERATOR)
def queue(request: HttpRequest, slug: str) -> HttpResponse:
    """The queue; a POST takes a file or pasted rows in and goes on to their review."""
    site = own_site(user_of(request), slug)
    if request.method != "POST":
        return shown(request, site, UploadForm(), ())
    form = UploadForm(*(request.POST.get(name, "").strip() for name in ("paste", "slack", "epoch")))
    filename, content = what_was_given(request, form)
    slack, slack_problem = read_slack(form.slack)
    epoch, epoch_problem = read_epoch(form.epoch)
    missing = Problem("Choose a file or paste some rows.", "", "file") if content is None else None
    problems = tuple(problem for problem in (missing, slack_problem, epoch_problem) if problem)
    if problems or content is None:
        return shown(request, site, form, problems)
    try:
        upload = upload_queue(
            site=site,
            user=user_of(request),
            filename=filename,
            content=content,
            slack=slack,
            epoch=epoch,
            now=now(),
        )
    except MarketError as error:
        return shown(request, site, form, (problem_from(error, field="" if error.code == "NOT_ALLOWED" else "file"),))
    return redirect("upload", upload.pk)


def what_was_given(request: HttpRequest, form: UploadForm) -> tuple[str, bytes | None]:
    """(name, bytes) of the chosen file, or of the pasted rows, or (.., None) when there is neither."""
    chosen = request.FILES.get("file")
    if chosen is not None:
        return str(chosen.name), chosen.read()
    kind = "jsonl" if form.paste.startswith("{") else "csv"
    return f"pasted.{kind}", form.paste.encode() if form.paste else None


def read_slack(text: str) -> tuple[timedelta | None, Problem | None]:
    """Hours of slack as typed, or a problem."""
    if not text:
        return None, None
    try:
        hours = Decimal(text)
    except InvalidOperation:
        hours = Decimal(-1)
    if not hours.is_finite() or not 0 <= hours <= MOST_SLACK_H:
        return None, Problem(
            f"Slack is {text!r}, not a number of hours.", "Write hours from 0, such as 6 or 0.5.", "slack"
        )
    return timedelta(seconds=int(hours * 3600)), None


def read_epoch(text: str) -> tuple[datetime | None, Problem | None]:
    """The time that second 0 of the file stands for, or a problem."""
    if not text:
        return None, None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        fix = "Write it with a zone, such as 2024-01-02T09:00Z or 2024-07-02T09:00+01:00."
        return None, Problem(f"Time zero is {text!r}, not a time with a zone.", fix, "epoch")
    return moment, None


def shown(request: HttpRequest, site: Site, form: UploadForm, problems: tuple[Problem, ...]) -> HttpResponse:
    """The page with its form."""
    filters = filters_of(request)
    context = {
        "site": site,
        "topic": f"site:{site.slug}",
        "tab": "queue",
        "p": queue_page(site, filters, page_number(request), now()),
        "filters": filters,
        "query": query_without(request, "page"),
        "form": form,
    }
    return page(request, "sites/queue.html", context, here="sites", problems=problems)


def filters_of(request: HttpRequest) -> JobFilters:
    """The filters in the address."""
    given = request.GET
    return JobFilters(
        text=given.get("text", "").strip(),
        tier=given.get("tier", ""),
        status=given.get("status", "open"),
        sort=given.get("sort", "deadline"),
    )


@require_safe
@only(OPERATOR)
def queue_csv(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Exactly the filtered jobs."""
    site = own_site(user_of(request), slug)
    return csv_response(f"{site.slug}-jobs", HEADER, job_export(filtered_jobs(site, filters_of(request), now())))
