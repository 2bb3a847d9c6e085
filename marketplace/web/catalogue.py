"""Searching the network for flexibility, comparing what comes back, and asking for a quote."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from marketplace.models import Organisation, SearchResult
from marketplace.queries.catalogue import CatalogueRow, catalogue_offer, search_page
from marketplace.queries.visible import visible
from marketplace.usecases.request_quote import request_quote
from marketplace.usecases.search_catalogue import search_catalogue
from marketplace.web.page import GRID, REFUSALS, Problem, now, only, page, problem_from, user_of, viewer_for

DIRECTIONS = (("", "Either way"), ("REDUCE", "Turn-down"), ("INCREASE", "Turn-up"))
MOST_KW = Decimal(10_000_000)


@dataclass(frozen=True, slots=True)
class SearchForm:
    """What was typed."""

    text: str = ""
    direction: str = ""
    min_kw: str = ""


def buyer(request: HttpRequest) -> Organisation:
    """The grid operator the person acts for; a platform administrator without one cannot buy."""
    organisation = viewer_for(request).organisation
    if organisation is None or organisation.kind != Organisation.Kind.GRID:
        organisation = (
            visible(Organisation, user_of(request)).filter(kind=Organisation.Kind.GRID).order_by("name").first()
        )
    if organisation is None:
        raise Http404("No grid operator to act for.")
    return organisation


def typed(request: HttpRequest) -> SearchForm:
    """The search as it stands in the form or in the address."""
    given = request.POST if request.method == "POST" else request.GET
    return SearchForm(*(given.get(name, "").strip() for name in ("text", "direction", "min_kw")))


@require_http_methods(["GET", "HEAD", "POST"])
@only(GRID)
def catalogue(request: HttpRequest) -> HttpResponse:
    """The search form; a POST asks the network and goes on to its answer."""
    form = typed(request)
    if request.method != "POST":
        return form_page(request, form, ())
    least, problem = read_kw(form.min_kw, "min_kw") if form.min_kw else (None, None)
    if problem:
        return form_page(request, form, (problem,))
    try:
        found = search_catalogue(
            organisation=buyer(request),
            user=user_of(request),
            text=form.text,
            direction=form.direction,
            min_kw=least,
            now=now(),
        )
    except REFUSALS as error:
        return form_page(request, form, (problem_from(error),))
    return redirect(f"{reverse('search', args=[found.pk])}?{urlencode({k: v for k, v in asdict(form).items() if v})}")


def form_page(request: HttpRequest, form: SearchForm, problems: tuple[Problem, ...]) -> HttpResponse:
    """The form with the newest search beside it."""
    newest = visible(SearchResult, user_of(request)).order_by("-requested_at", "-pk").defer("catalogs").first()
    context = {"form": form, "directions": DIRECTIONS, "newest": newest}
    return page(request, "catalogue/search.html", context, here="catalogue", problems=problems)


@require_safe
@only(GRID)
def search(request: HttpRequest, pk: int) -> HttpResponse:
    """One search: waiting, or its rows."""
    found = get_object_or_404(visible(SearchResult, user_of(request)), pk=pk)
    context = {
        "p": search_page(found, now()),
        "form": typed(request),
        "directions": DIRECTIONS,
        "topic": f"search:{found.transaction_id}",
    }
    return page(request, "catalogue/results.html", context, here="catalogue")


@require_http_methods(["GET", "HEAD", "POST"])
@only(GRID)
def catalogue_entry(request: HttpRequest, pk: int, offer_id: str) -> HttpResponse:
    """One offer of a search; a POST asks its seller for a quote."""
    found = get_object_or_404(visible(SearchResult, user_of(request)), pk=pk)
    row = catalogue_offer(found, offer_id)
    if row is None:
        raise Http404("The search did not bring back this offer.")
    text = request.POST.get("kw", "").strip()
    if request.method != "POST":
        return entry_page(request, found, row, f"{row.kw.normalize():f}", ())
    kw, problem = read_kw(text, "kw")
    if problem is None and kw is not None and kw > row.kw:
        problem = Problem(f"{text} kW is more than the {row.kw.normalize():f} kW on offer.", "Ask for less.", "kw")
    if problem or kw is None:
        return entry_page(request, found, row, text, (problem,) if problem else ())
    try:
        purchase = request_quote(
            organisation=found.organisation,
            search=found,
            offer_id=offer_id,
            kw=kw,
            accept_counter=request.POST.get("accept_counter") == "yes",
            user=user_of(request),
            now=now(),
        )
    except REFUSALS as error:
        return entry_page(request, found, row, text, (problem_from(error),))
    return redirect("purchase", purchase.pk)


def entry_page(
    request: HttpRequest, found: SearchResult, row: CatalogueRow, kw: str, problems: tuple[Problem, ...]
) -> HttpResponse:
    """The offer with its quote form."""
    context = {"search": found, "row": row, "kw": kw, "gate_open": row.gate_closure is None or row.gate_closure > now()}
    return page(request, "catalogue/offer.html", context, here="catalogue", problems=problems)


def read_kw(text: str, field: str) -> tuple[Decimal | None, Problem | None]:
    """Power as typed, or a problem."""
    try:
        kw = Decimal(text.replace(",", ""))
    except InvalidOperation:
        kw = Decimal(-1)
    if not kw.is_finite() or not 0 < kw <= MOST_KW or -int(kw.normalize().as_tuple().exponent) > 3:
        return None, Problem(f"{text!r} is not a power in kW.", "Write a number above 0, such as 250 or 412.5.", field)
    return kw, None
