"""What a site has promised, and how it sells: the day's commitments, and the form of its sale rules."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from flex_engine.timegrid import floor_half_hour, settlement_period
from marketplace.models import SaleRules, Site
from marketplace.queries.commitments import HEADER, commitments_export, commitments_page
from marketplace.rules.errors import MarketError
from marketplace.usecases.set_sale_rules import set_sale_rules
from marketplace.web.exports import csv_response
from marketplace.web.page import OPERATOR, Problem, now, only, page, problem_from, user_of
from marketplace.web.sites import own_site

# Field, its words, and the power of ten of its last digit. Minutes and hours are shown; the rules hold seconds.
FIELDS = {
    "approve_above_kw": ("the size", 3, "a power in kW such as 500, or nothing"),
    "floor_gbp_per_kwh": ("the floor", 4, "a price in GBP per kWh such as 0.18, or nothing"),
    "approve_within": ("the time to decide", 0, "whole minutes, such as 60"),
    "free_cancellation": ("the end of free cancelling", 0, "whole hours before the window, such as 24"),
    "cancellation_fee_percent": ("the fee", 2, "a percentage from 0 to 100, such as 12.5"),
}
MAY_BE_EMPTY = frozenset({"approve_above_kw", "floor_gbp_per_kwh"})
FIELD_OF = {"approve_within_s": "approve_within", "free_cancellation_s": "free_cancellation"}


def day_of(request: HttpRequest, moment: datetime) -> tuple[date, tuple[Problem, ...]]:
    """The settlement day in the address, today without one, and what is wrong with it."""
    today, text = settlement_period(floor_half_hour(moment))[0], request.GET.get("day", "")
    try:
        day = date.fromisoformat(text) if text else today
    except ValueError:
        day = date.min
    if not 2000 <= day.year < 2100:
        return today, (Problem(f"The day is {text[:40]!r}.", "Write a date such as 2026-01-15.", "day"),)
    return day, ()


@require_safe
@only(OPERATOR)
def commitments(request: HttpRequest, slug: str) -> HttpResponse:
    """One settlement day."""
    site, moment = own_site(user_of(request), slug), now()
    day, problems = day_of(request, moment)
    context = {
        "site": site,
        "tab": "commitments",
        "topic": f"site:{site.slug}",
        "p": commitments_page(site, day, moment),
    }
    return page(request, "sites/commitments.html", context, here="sites", problems=problems)


@require_safe
@only(OPERATOR)
def commitments_csv(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The same day as a file."""
    site, moment = own_site(user_of(request), slug), now()
    found = commitments_page(site, day_of(request, moment)[0], moment)
    return csv_response(f"{site.slug}-commitments-{found.day}", HEADER, commitments_export(site, found))


@require_http_methods(["GET", "HEAD", "POST"])
@only(OPERATOR)
def sale_rules(request: HttpRequest, slug: str) -> HttpResponse:
    """The form; a POST replaces the rules."""
    site = own_site(user_of(request), slug)
    if request.method != "POST":
        return shown(request, site, form_of(SaleRules.objects.filter(site=site).first()), ())
    form = {name: request.POST.get(name, "").strip() for name in FIELDS}
    read = {name: read_number(name, text) for name, text in form.items()}
    problems = tuple(value for value in read.values() if isinstance(value, Problem))
    if problems:
        return shown(request, site, form, problems)
    numbers = {name: value for name, value in read.items() if not isinstance(value, Problem)}
    try:
        set_sale_rules(
            site=site,
            user=user_of(request),
            approve_above_kw=numbers["approve_above_kw"],
            floor_gbp_per_kwh=numbers["floor_gbp_per_kwh"],
            approve_within_s=int(numbers["approve_within"] or 0) * 60,
            free_cancellation_s=int(numbers["free_cancellation"] or 0) * 3600,
            cancellation_fee_percent=numbers["cancellation_fee_percent"] or Decimal(0),
            now=now(),
        )
    except MarketError as error:
        field = str(error.details.get("column", ""))
        return shown(request, site, form, (problem_from(error, field=FIELD_OF.get(field, field)),))
    messages.info(
        request, "The rules hold for orders from now on. Offers already on sale keep their cancellation terms."
    )
    return redirect("sale-rules", site.slug)


def form_of(rules: SaleRules | None) -> dict[str, str]:
    """What the form shows of the rules in force."""
    if rules is None:
        return dict.fromkeys(FIELDS, "") | {
            "approve_within": "60", "free_cancellation": "0", "cancellation_fee_percent": "0"
        }  # fmt: skip
    above, floor = rules.approve_above_kw, rules.floor_gbp_per_kwh
    return {
        "approve_above_kw": "" if above is None else f"{above.normalize():f}",
        "floor_gbp_per_kwh": "" if floor is None else f"{floor.normalize():f}",
        "approve_within": str(rules.approve_within_s // 60),
        "free_cancellation": str(rules.free_cancellation_s // 3600),
        "cancellation_fee_percent": f"{rules.cancellation_fee_percent.normalize():f}",
    }


def read_number(name: str, text: str) -> Decimal | Problem | None:
    """A number as typed, None for a field left empty that may be, or a problem."""
    words, places, wanted = FIELDS[name]
    if not text and name in MAY_BE_EMPTY:
        return None
    try:
        number = Decimal(text.replace(",", ""))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) >= 10**6 or -int(number.normalize().as_tuple().exponent) > places:
        return Problem(f"{text[:40]!r} is not {words}.", f"Write {wanted}.", name)
    return number


def shown(request: HttpRequest, site: Site, form: dict[str, str], problems: tuple[Problem, ...]) -> HttpResponse:
    """The page with its form."""
    context = {"site": site, "tab": "sale-rules", "form": form}
    return page(request, "sites/sale_rules.html", context, here="sites", problems=problems)
