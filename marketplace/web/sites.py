"""The site list and one site's overview."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from marketplace.models import Site, User
from marketplace.queries.sites import current_plans, site_page, site_rows
from marketplace.queries.visible import visible
from marketplace.web.page import OPERATOR, now, only, page, user_of


def own_site(user: User, slug: str) -> Site:
    """The site, or 404 when it is not this person's to see."""
    return get_object_or_404(visible(Site, user).select_related("organisation"), slug=slug)


@require_safe
@only(OPERATOR)
def sites(request: HttpRequest) -> HttpResponse:
    """Every site with its draw, plan and queue."""
    found = visible(Site, user_of(request))
    rows = site_rows(found, current_plans(found), now())
    return page(request, "sites/list.html", {"rows": rows}, here="sites")


@require_safe
@only(OPERATOR)
def site(request: HttpRequest, slug: str) -> HttpResponse:
    """The overview of one site."""
    found = own_site(user_of(request), slug)
    return page(
        request,
        "sites/overview.html",
        {"site": found, "tab": "overview", "p": site_page(found, now()), "topic": f"site:{found.slug}"},
        here="sites",
    )
