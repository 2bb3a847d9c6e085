"""What a site could turn down or up, and the form that asks for an offer drawn from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from marketplace.models import Site
from marketplace.queries.flexibility import flexibility_page
from marketplace.rules.errors import MarketError
from marketplace.usecases.request_offer import request_offer
from marketplace.web.page import OPERATOR, Problem, now, only, page, problem_from, user_of
from marketplace.web.sites import own_site

LONDON = ZoneInfo(settings.DISPLAY_TIME_ZONE)


@dataclass(frozen=True, slots=True)
class WindowForm:
    """What was typed: two London times, or nothing for the best window."""

    start: str = ""
    end: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
@only(OPERATOR)
def flexibility(request: HttpRequest, slug: str) -> HttpResponse:
    """The envelope; a POST asks the optimisation agent to draft an offer."""
    site = own_site(user_of(request), slug)
    if request.method != "POST":
        return shown(request, site, WindowForm(), ())
    form = WindowForm(request.POST.get("start", "").strip(), request.POST.get("end", "").strip())
    start, start_problem = read_local(form.start, "start")
    end, end_problem = read_local(form.end, "end")
    problems = tuple(problem for problem in (start_problem, end_problem) if problem)
    if problems:
        return shown(request, site, form, problems)
    try:
        request_offer(site=site, user=user_of(request), start=start, end=end, now=now())
    except MarketError as error:
        return shown(request, site, form, (problem_from(error, field="start" if error.code == "BAD_WINDOW" else ""),))
    messages.info(request, "The offer is being worked out. It appears below, or the reason why there is none.")
    return redirect("flexibility", site.slug)


def read_local(text: str, field: str) -> tuple[datetime | None, Problem | None]:
    """A London wall-clock time as typed in a datetime field; the hour that the clocks skip or repeat is refused."""
    if not text:
        return None, None
    fix = "Choose a date and a time on the hour or half hour, such as 2 January 2024, 16:30."
    try:
        naive = datetime.fromisoformat(text)
    except ValueError:
        return None, Problem(f"The {field} is {text!r}, not a time.", fix, field)
    early, late = (naive.replace(tzinfo=LONDON, fold=fold) for fold in (0, 1))
    if naive.tzinfo is not None or early.utcoffset() != late.utcoffset():
        return None, Problem(
            f"The {field} {text!r} falls in the hour when the clocks change.", "Choose another time.", field
        )
    return early, None


def shown(request: HttpRequest, site: Site, form: WindowForm, problems: tuple[Problem, ...]) -> HttpResponse:
    """The page with its form."""
    context = {
        "site": site,
        "topic": f"site:{site.slug}",
        "tab": "flexibility",
        "p": flexibility_page(site, now()),
        "form": form,
    }
    return page(request, "sites/flexibility.html", context, here="sites", problems=problems)
