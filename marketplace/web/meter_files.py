"""The way of one file of meter readings: how far it is, and stopping it before it counts."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_safe

from marketplace.models import MeterFile
from marketplace.queries.meter_files import meter_file_page
from marketplace.queries.visible import visible
from marketplace.rules.errors import MarketError
from marketplace.usecases.cancel_meter_file import cancel_meter_file
from marketplace.web.page import OPERATOR, Problem, now, only, page, posted, problem_from, user_of


def own_file(request: HttpRequest, pk: int) -> MeterFile:
    """The file, or 404; its bytes stay in the database."""
    rows = visible(MeterFile, user_of(request)).select_related("site__organisation").defer("content")
    return get_object_or_404(rows, pk=pk)


@require_safe
@only(OPERATOR)
def meter_file(request: HttpRequest, pk: int) -> HttpResponse:
    """How far it is."""
    return shown(request, own_file(request, pk), ())


def shown(request: HttpRequest, file: MeterFile, problems: tuple[Problem, ...]) -> HttpResponse:
    """The page."""
    context = {"p": meter_file_page(file, now()), "topic": f"meter-file:{file.pk}"}
    return page(request, "meter_files/file.html", context, here="sites", problems=problems)


@posted("meter-file")
@only(OPERATOR)
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop the file."""
    file = own_file(request, pk)
    try:
        cancel_meter_file(file=file, user=user_of(request), now=now())
    except MarketError as error:
        return shown(request, own_file(request, pk), (problem_from(error),))
    messages.info(request, f"{file.filename} is cancelled. Nothing of it was recorded.")
    return redirect("readings", file.site.slug)
