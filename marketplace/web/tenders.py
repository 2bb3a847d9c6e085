"""Tenders: a grid operator publishes and cancels them, a data-centre operator bids on them, and both read what came out."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_safe

from flex_engine.settle.products import products
from flex_engine.timegrid import floor_half_hour, settlement_period
from marketplace.models import Bid, Offer, Organisation, Tender
from marketplace.queries.tenders import filtered_tenders, tender_list, tender_page
from marketplace.queries.visible import visible
from marketplace.rules.errors import MarketError
from marketplace.rules.product_terms import DEFAULT
from marketplace.rules.tender_terms import GROUPS, by_half_hour
from marketplace.usecases.cancel_tender import cancel_tender
from marketplace.usecases.place_bid import place_bid
from marketplace.usecases.publish_tender import publish_tender
from marketplace.usecases.withdraw_bid import withdraw_bid
from marketplace.web.flexibility import read_local, read_price
from marketplace.web.page import (
    GRID,
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
    viewer_for,
)

# The field that a refusal is about.
FIELDS = {
    "BAD_NAME": "name",
    "BAD_PRODUCT": "product",
    "BAD_DIRECTION": "direction",
    "BAD_ZONE": "gsp_group",
    "BAD_WINDOW": "start",
    "BAD_QUANTITY": "kw",
    "BAD_CLOSING": "closes",
    "BAD_PRICE": "ceiling",
    "BAD_PRICING": "pricing",
    "BAD_LEAST": "least",
}


@dataclass(frozen=True, slots=True)
class NeedForm:
    """What was typed."""

    name: str = ""
    product: str = DEFAULT
    direction: str = "REDUCE"
    gsp_group: str = "_A"
    gsp_zone: str = ""
    start: str = ""
    end: str = ""
    closes: str = ""
    kw: str = ""
    pricing: str = Tender.Pricing.AS_BID.value
    ceiling: str = ""
    ceiling_availability: str = ""


def place(request: HttpRequest) -> str:
    """Where tenders are in the menu: a seller comes to them from its offers."""
    return "tenders" if viewer_for(request).kind == GRID else "offers"


@require_safe
@only(OPERATOR, GRID)
def tenders(request: HttpRequest) -> HttpResponse:
    """The list."""
    state = request.GET.get("state", "")
    context = {
        "p": tender_list(visible(Tender, user_of(request)), state, page_number(request), now()),
        "state": state,
        "states": Tender.State.choices,
        "query": query_without(request, "page"),
    }
    return page(request, "tenders/list.html", context, here=place(request))


@require_safe
@only(OPERATOR, GRID)
def tender(request: HttpRequest, pk: str) -> HttpResponse:
    """One tender."""
    return shown(request, found_tender(request, pk), ())


def found_tender(request: HttpRequest, pk: str) -> Tender:
    """The tender, or 404."""
    return get_object_or_404(filtered_tenders(visible(Tender, user_of(request))), pk=pk)


def shown(request: HttpRequest, found: Tender, problems: tuple[Problem, ...]) -> HttpResponse:
    """The page of one tender with what was typed."""
    context = {
        "p": tender_page(found, user_of(request), now()),
        "topic": f"tender:{found.pk}",
        "typed": {
            name: request.POST.get(name, "") for name in ("offer", "kw", "least", "price", "availability", "reason")
        },
    }
    return page(request, "tenders/tender.html", context, here=place(request), problems=problems)


@require_http_methods(["GET", "HEAD", "POST"])
@only(GRID)
def new(request: HttpRequest) -> HttpResponse:
    """The form of a need; a POST publishes it."""
    if request.method != "POST":
        return form_shown(request, NeedForm(), ())
    form = NeedForm(**{field.name: request.POST.get(field.name, "").strip() for field in fields(NeedForm)})
    organisation = viewer_for(request).organisation
    if organisation is None or organisation.kind != Organisation.Kind.GRID:
        raise Http404("Only a grid operator publishes a tender.")
    start, start_wrong = read_local(form.start, "start")
    end, end_wrong = read_local(form.end, "end")
    closes, closes_wrong = read_local(form.closes, "closes")
    ceiling, ceiling_wrong = read_price(form.ceiling, "ceiling")
    ready, ready_wrong = read_price(form.ceiling_availability, "ceiling_availability")
    kw, kw_wrong = read_powers(form.kw)
    given = [start_wrong, end_wrong, closes_wrong, ceiling_wrong, ready_wrong, kw_wrong]
    given += [missing(form, name) for name in ("start", "end", "closes", "kw", "ceiling")]
    problems = tuple(one for one in given if one is not None)
    if problems or start is None or end is None or closes is None or ceiling is None:
        return form_shown(request, form, problems)
    try:
        made = publish_tender(
            organisation=organisation,
            user=user_of(request),
            name=form.name,
            product=form.product,
            direction=form.direction,
            gsp_group=form.gsp_group,
            gsp_zone=form.gsp_zone,
            kw=by_half_hour(start, end, kw),
            closes_at=closes,
            pricing=form.pricing if form.pricing in Tender.Pricing.values else Tender.Pricing.AS_BID,
            ceiling_gbp_per_kwh=ceiling,
            ceiling_availability_gbp_per_mw_h=ready or Decimal(0),
            now=now(),
        )
    except MarketError as error:
        return form_shown(request, form, (problem_from(error, field=FIELDS.get(error.code, "")),))
    messages.info(request, "The tender is open. Sites of its zone can bid until it closes.")
    return redirect("tender", made.pk)


def missing(form: NeedForm, name: str) -> Problem | None:
    """What is said of a field that nobody filled in."""
    words = {"start": "start", "end": "end", "closes": "closing time", "kw": "power", "ceiling": "ceiling"}[name]
    return None if getattr(form, name) else Problem(f"The {words} is missing.", "Fill it in.", name)


def read_powers(text: str) -> tuple[list[Decimal], Problem | None]:
    """Powers as typed, separated by spaces or semicolons."""
    try:
        return [Decimal(one) for one in text.replace(";", " ").split()], None
    except InvalidOperation:
        fix = "Write kilowatts: one number for the whole window, or one for each half hour, with spaces between them."
        return [], Problem(f"The power is {text!r}, which is not numbers.", fix, "kw")


def form_shown(request: HttpRequest, form: NeedForm, problems: tuple[Problem, ...]) -> HttpResponse:
    """The form."""
    day, _ = settlement_period(floor_half_hour(now()))
    context = {"form": form, "products": products(day), "groups": GROUPS, "pricings": Tender.Pricing.choices}
    return page(request, "tenders/new.html", context, here=place(request), problems=problems)


@posted("tender")
@only(GRID)
def cancel(request: HttpRequest, pk: str) -> HttpResponse:
    """Cancel one's own tender, with a reason."""
    user = user_of(request)
    found = get_object_or_404(
        filtered_tenders(Tender.objects.filter(organisation__in=visible(Organisation, user))), pk=pk
    )
    try:
        cancel_tender(tender=found, user=user, reason=request.POST.get("reason", ""), now=now())
    except MarketError as error:
        return shown(request, found, (problem_from(error, field="reason" if error.code == "BAD_REASON" else ""),))
    messages.info(request, "The tender is cancelled, and its bidders are told why.")
    return redirect("tender", found.pk)


@posted("tender")
@only(OPERATOR)
def bid(request: HttpRequest, pk: str) -> HttpResponse:
    """Bid with one of one's drafts."""
    user, found, given = user_of(request), found_tender(request, pk), request.POST
    offer = chosen_offer(request)
    if offer is None:
        return shown(request, found, (Problem("No draft is chosen.", "Choose the offer to bid with.", "offer"),))
    kw, kw_wrong = read_powers(given.get("kw", ""))
    least, least_wrong = read_powers(given.get("least", "") or "0")
    price, price_wrong = read_price(given.get("price", "").strip(), "price")
    ready, ready_wrong = read_price(given.get("availability", "").strip(), "availability")
    problems = [one for one in (kw_wrong, least_wrong, price_wrong, ready_wrong) if one is not None]
    if len(kw) != 1 and not problems:
        problems.append(Problem("The bid names no power.", "Write one number, in kW.", "kw"))
    if problems or len(least) != 1:
        return shown(request, found, tuple(problems))
    try:
        place_bid(
            tender=found,
            offer=offer,
            user=user,
            kw=kw[0],
            least_kw=least[0],
            price_gbp_per_kwh=price,
            availability_gbp_per_mw_h=ready,
            accept_back_test=given.get("accept_back_test") == "on",
            now=now(),
        )
    except MarketError as error:
        field = {"BAD_PRICE": "price", "BAD_QUANTITY": "kw", "BAD_LEAST": "least"}.get(error.code, "")
        return shown(request, found, (problem_from(error, field=field),))
    messages.info(request, "The bid is placed. Nobody else sees it until the tender closes.")
    return redirect("tender", found.pk)


def chosen_offer(request: HttpRequest) -> Offer | None:
    """The draft that was chosen, if it is one of theirs."""
    try:
        wanted = UUID(request.POST.get("offer", ""))
    except ValueError:
        return None
    return visible(Offer, user_of(request)).filter(pk=wanted).first()


@posted("tender")
@only(OPERATOR)
def withdraw(request: HttpRequest, pk: str, bid_id: str) -> HttpResponse:
    """Take one's bid back while the tender is open."""
    user, found = user_of(request), found_tender(request, pk)
    placed = get_object_or_404(visible(Bid, user).filter(tender=found, offer__in=visible(Offer, user)), pk=bid_id)
    try:
        withdraw_bid(bid=placed, user=user, now=now())
    except MarketError as error:
        return shown(request, found, (problem_from(error),))
    messages.info(request, "The bid is withdrawn. Its draft can be published or bid again.")
    return redirect("tender", found.pk)
