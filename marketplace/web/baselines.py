"""How a site's deliveries are measured: the methods, and the nomination of the days ahead."""

from __future__ import annotations

from datetime import date, timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from flex_engine.timegrid import period_start
from marketplace.models import Site
from marketplace.queries.baselines import HEADER, baseline_page, nomination_export
from marketplace.queries.sites import current_plan
from marketplace.rules.errors import MarketError
from marketplace.usecases.nominate_baseline import nominate_plan
from marketplace.web.exports import csv_response
from marketplace.web.page import OPERATOR, Problem, now, only, page, problem_from, user_of
from marketplace.web.sites import own_site


@require_http_methods(["GET", "HEAD", "POST"])
@only(OPERATOR)
def baseline(request: HttpRequest, slug: str) -> HttpResponse:
    """The page; a POST nominates the plan's load for one settlement day."""
    site = own_site(user_of(request), slug)
    if request.method != "POST":
        return shown(request, site, ())
    try:
        day = date.fromisoformat(request.POST.get("day", ""))
    except ValueError:
        return shown(request, site, (Problem("The day is not a date.", "Use one of the buttons below.", "day"),))
    plan = current_plan(site)
    if plan is None:
        return shown(
            request, site, (Problem("There is no plan to nominate.", "Upload a queue and wait for its plan."),)
        )
    start, end = period_start(day, 1), period_start(day + timedelta(days=1), 1)
    try:
        count = nominate_plan(site=site, plan=plan, start=start, end=end, user=user_of(request), now=now())
    except MarketError as error:
        return shown(request, site, (problem_from(error),))
    messages.info(request, f"{count} half hours were nominated." if count else "The same was nominated before.")
    return redirect("baseline", site.slug)


def shown(request: HttpRequest, site: Site, problems: tuple[Problem, ...]) -> HttpResponse:
    """The page with what was wrong."""
    context = {"site": site, "topic": f"site:{site.slug}", "tab": "baseline", "p": baseline_page(site, now())}
    return page(request, "sites/baseline.html", context, here="sites", problems=problems)


@require_safe
@only(OPERATOR)
def nominations_csv(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Every half hour nominated for the days ahead."""
    site = own_site(user_of(request), slug)
    return csv_response(f"nominations-{site.slug}", HEADER, nomination_export(site, now()))
