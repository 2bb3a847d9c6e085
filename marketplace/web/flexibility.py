"""What a site could turn down or up, and the form that asks for an offer drawn from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from marketplace.models import Site
from marketplace.queries.flexibility import flexibility_page
from marketplace.rules.errors import MarketError
from marketplace.rules.product_terms import DEFAULT
from marketplace.usecases.request_offer import request_offer
from marketplace.web.page import OPERATOR, Problem, now, only, page, problem_from, user_of
from marketplace.web.sites import own_site

LONDON = ZoneInfo(settings.DISPLAY_TIME_ZONE)
MOST = Decimal(10**6)
# The field that a refusal is about.
FIELDS = {
    "BAD_WINDOW": "start",
    "BAD_PRODUCT": "product",
    "BAD_DIRECTION": "direction",
    "BAD_AVAILABILITY_PRICE": "availability",
}


@dataclass(frozen=True, slots=True)
class WindowForm:
    """What was typed: two London times, or nothing for the best window; what to sell it as; a price for standing ready."""

    start: str = ""
    end: str = ""
    product: str = DEFAULT
    direction: str = "REDUCE"
    availability: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
@only(OPERATOR)
def flexibility(request: HttpRequest, slug: str) -> HttpResponse:
    """The envelope; a POST asks the optimisation agent to draft an offer."""
    site = own_site(user_of(request), slug)
    if request.method != "POST":
        return shown(request, site, WindowForm(), ())
    form = WindowForm(
        **{name: request.POST.get(name, "").strip() for name in ("start", "end", "availability")},
        product=request.POST.get("product", DEFAULT),
        direction=request.POST.get("direction", "REDUCE"),
    )
    start, start_problem = read_local(form.start, "start")
    end, end_problem = read_local(form.end, "end")
    availability, price_problem = read_price(form.availability, "availability")
    problems = tuple(problem for problem in (start_problem, end_problem, price_problem) if problem)
    if problems:
        return shown(request, site, form, problems)
    try:
        request_offer(
            site=site,
            user=user_of(request),
            start=start,
            end=end,
            product=form.product,
            direction=form.direction,
            availability_price_gbp_per_mw_h=availability,
            now=now(),
        )
    except MarketError as error:
        return shown(request, site, form, (problem_from(error, field=FIELDS.get(error.code, "")),))
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


def read_price(text: str, field: str) -> tuple[Decimal | None, Problem | None]:
    """A price as typed, to four places; nothing typed is None."""
    if not text:
        return None, None
    try:
        price = Decimal(text)
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite() or not 0 <= price < MOST or price != round(price, 4):
        fix = "Write a number from 0 with at most four places, such as 21.40."
        return None, Problem(f"The {field} price is {text!r}, not a price.", fix, field)
    return price, None


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
