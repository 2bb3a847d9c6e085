"""Offers as their seller handles them: list, one offer, and the two binding acts, publish and withdraw."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_safe

from marketplace.models import Offer, Site
from marketplace.queries.offers import HEADER, OfferFilters, filtered_offers, offer_export, offer_list, offer_page
from marketplace.queries.visible import visible
from marketplace.rules.errors import MarketError
from marketplace.usecases.publish_offer import publish_offer
from marketplace.usecases.withdraw_offer import withdraw_offer
from marketplace.web.exports import csv_response
from marketplace.web.page import (
    OPERATOR,
    Problem,
    now,
    only,
    page,
    page_number,
    problem_from,
    query_without,
    user_of,
)


def own_offer(request: HttpRequest, pk: str) -> Offer:
    """The offer, or 404."""
    return get_object_or_404(visible(Offer, user_of(request)).select_related("site__organisation", "plan"), pk=pk)


def filters_of(request: HttpRequest) -> OfferFilters:
    """The filters in the address."""
    given = request.GET
    return OfferFilters(state=given.get("state", ""), site=given.get("site", ""), sort=given.get("sort", "start"))


@require_safe
@only(OPERATOR)
def offers(request: HttpRequest) -> HttpResponse:
    """The list."""
    user, filters = user_of(request), filters_of(request)
    context = {
        "p": offer_list(visible(Offer, user), filters, page_number(request), now()),
        "filters": filters,
        "states": Offer.State.choices,
        "sites": visible(Site, user).order_by("name").values_list("slug", "name"),
        "query": query_without(request, "page"),
    }
    return page(request, "offers/list.html", context, here="offers")


@require_safe
@only(OPERATOR)
def offers_csv(request: HttpRequest) -> HttpResponseBase:
    """Exactly the filtered offers."""
    rows = filtered_offers(visible(Offer, user_of(request)), filters_of(request))
    return csv_response("offers", HEADER, offer_export(rows, now()))


@require_safe
@only(OPERATOR)
def offer(request: HttpRequest, pk: str) -> HttpResponse:
    """One offer with its price and its proof."""
    return shown(request, own_offer(request, pk), "offers/offer.html", ())


def shown(
    request: HttpRequest,
    found: Offer,
    template: str,
    problems: tuple[Problem, ...],
    reason: str = "",
    baseline: str = "",
) -> HttpResponse:
    """One of the offer's pages; `baseline` is the one it would be published with."""
    context = {"p": offer_page(found, now(), baseline=baseline), "reason": reason}
    return page(request, template, context, here="offers", problems=problems)


@require_http_methods(["GET", "HEAD", "POST"])
@only(OPERATOR)
def publish(request: HttpRequest, pk: str) -> HttpResponse:
    """Check the answers, then put the offer on sale."""
    found = own_offer(request, pk)
    if request.method != "POST":
        baseline = request.GET.get("baseline_method", "")
        return shown(request, found, "offers/publish.html", (), baseline=baseline)
    baseline = request.POST.get("baseline_method", "")
    try:
        accepted = request.POST.get("accept_back_test") == "on"
        publish_offer(
            offer=found, user=user_of(request), accept_back_test=accepted, baseline_method=baseline, now=now()
        )
    except MarketError as error:
        return shown(request, found, "offers/publish.html", (problem_from(error),), baseline=baseline)
    messages.info(request, "The offer is on sale. Grid operators find it in the catalogue.")
    return redirect("offer", found.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@only(OPERATOR)
def withdraw(request: HttpRequest, pk: str) -> HttpResponse:
    """Check the consequences, then take the offer off sale."""
    found = own_offer(request, pk)
    if request.method != "POST":
        return shown(request, found, "offers/withdraw.html", ())
    reason = request.POST.get("reason", "").strip()
    if not reason:
        wanted = Problem("Say why the offer is withdrawn.", "One sentence is enough. It is kept in the log.", "reason")
        return shown(request, found, "offers/withdraw.html", (wanted,))
    try:
        withdraw_offer(offer=found, user=user_of(request), reason=reason, now=now())
    except MarketError as error:
        return shown(request, found, "offers/withdraw.html", (problem_from(error),), reason)
    messages.info(request, "The offer is off sale. Orders placed on it before stay as they are.")
    return redirect("offer", found.pk)
