"""The clock on top of every page, alone, so that an open page keeps the right time and settlement period."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from marketplace.web.page import frame


@require_safe
def clock(request: HttpRequest) -> HttpResponse:
    """The fragment. It says nothing but the time, so everybody may ask for it."""
    return render(request, "parts/clock.html", frame(request, ""))
