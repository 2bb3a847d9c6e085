"""A site's plan beside first come, first served, and the button that asks for a new one."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from marketplace.models import Site
from marketplace.queries.schedule import HEADER, plan_page, schedule_export
from marketplace.queries.sites import current_plan
from marketplace.rules.errors import MarketError
from marketplace.usecases.request_plan import request_plan
from marketplace.web.exports import csv_response
from marketplace.web.page import (
    OPERATOR,
    Problem,
    now,
    only,
    page,
    page_number,
    posted,
    problem_from,
    query_without,
    user_of,
)
from marketplace.web.sites import own_site


@require_safe
@only(OPERATOR)
def schedule(request: HttpRequest, slug: str) -> HttpResponse:
    """The plan in force."""
    return shown(request, own_site(user_of(request), slug), ())


def shown(request: HttpRequest, site: Site, problems: tuple[Problem, ...]) -> HttpResponse:
    """The page with its filters."""
    text, sort = request.GET.get("text", "").strip(), request.GET.get("sort", "start")
    context = {
        "site": site,
        "topic": f"site:{site.slug}",
        "tab": "schedule",
        "p": plan_page(site, text=text, sort=sort, number=page_number(request), now=now()),
        "text": text,
        "sort": sort,
        "query": query_without(request, "page"),
    }
    return page(request, "sites/schedule.html", context, here="sites", problems=problems)


@posted("schedule")
@only(OPERATOR)
def replan(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask for a new plan; the page shows it when it is there."""
    site = own_site(user_of(request), slug)
    try:
        request_plan(site=site, user=user_of(request), now=now())
    except MarketError as error:
        return shown(request, site, (problem_from(error),))
    messages.info(request, "A new plan is being made. You can leave this page; the plan appears here.")
    return redirect("schedule", site.slug)


@require_safe
@only(OPERATOR)
def schedule_csv(request: HttpRequest, slug: str) -> HttpResponseBase:
    """When each job runs, for exactly the filtered jobs."""
    site = own_site(user_of(request), slug)
    plan = current_plan(site)
    if plan is None:
        raise Http404("This site has no plan.")
    text, sort = request.GET.get("text", "").strip(), request.GET.get("sort", "start")
    return csv_response(f"{site.slug}-schedule", HEADER, schedule_export(plan, text=text, sort=sort))
