"""The review of an uploaded queue: nothing is imported before somebody has looked at it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_safe

from marketplace.models import Upload
from marketplace.queries.uploads import ERROR_HEADER, error_export, upload_page
from marketplace.queries.visible import visible
from marketplace.rules.errors import MarketError
from marketplace.usecases.accept_queue import accept_queue
from marketplace.usecases.discard_upload import discard_upload
from marketplace.web.exports import csv_response
from marketplace.web.page import OPERATOR, Problem, now, only, page, posted, problem_from, user_of


def own_upload(request: HttpRequest, pk: int) -> Upload:
    """The upload, or 404; the file's bytes stay in the database."""
    rows = visible(Upload, user_of(request)).select_related("site__organisation").defer("content")
    return get_object_or_404(rows, pk=pk)


@require_safe
@only(OPERATOR)
def upload(request: HttpRequest, pk: int) -> HttpResponse:
    """What was read, what was assumed, what is wrong, and the three ways on."""
    return shown(request, own_upload(request, pk), ())


def shown(request: HttpRequest, found: Upload, problems: tuple[Problem, ...]) -> HttpResponse:
    """The review page."""
    return page(
        request,
        "uploads/review.html",
        {"p": upload_page(found, now()), "topic": f"upload:{found.pk}"},
        here="sites",
        problems=problems,
    )


@posted("upload")
@only(OPERATOR)
def accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Import all rows, or the valid ones only."""
    found = own_upload(request, pk)
    valid_only = request.POST.get("rows") == "valid"
    try:
        count = accept_queue(upload=found, user=user_of(request), valid_only=valid_only, now=now())
    except MarketError as error:
        return shown(request, own_upload(request, pk), (problem_from(error),))
    words = "1 job is" if count == 1 else f"{count:,} jobs are"
    messages.info(request, f"{words} in the queue. A new plan is being made.")
    return redirect("queue", found.site.slug)


@posted("upload")
@only(OPERATOR)
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Put the file aside."""
    found = own_upload(request, pk)
    try:
        discard_upload(upload=found, user=user_of(request), now=now())
    except MarketError as error:
        return shown(request, own_upload(request, pk), (problem_from(error),))
    messages.info(request, f"{found.filename} is discarded. Nothing of it was imported.")
    return redirect("queue", found.site.slug)


@require_safe
@only(OPERATOR)
def errors_csv(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Every row error of the file."""
    found = own_upload(request, pk)
    return csv_response(f"upload-{found.pk}-errors", ERROR_HEADER, error_export(found))
