"""What a grid operator buys: each step checked before it binds, each answer shown when the seller sends it."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_safe

from marketplace.models import Purchase
from marketplace.queries.purchases import (
    HEADER,
    PurchaseFilters,
    filtered_purchases,
    purchase_export,
    purchase_list,
    purchase_page,
)
from marketplace.queries.visible import visible
from marketplace.rules.errors import MarketError
from marketplace.usecases.advance_purchase import advance_purchase
from marketplace.usecases.ask_seller import HIGHEST, LOWEST, ask_seller
from marketplace.web.exports import csv_response
from marketplace.web.page import (
    GRID,
    REFUSALS,
    Problem,
    now,
    only,
    orders_topic,
    page,
    page_number,
    problem_from,
    query_without,
    user_of,
)


@dataclass(frozen=True, slots=True)
class Act:
    """One of the buyer's steps: its check page, where it binds, and what is said once the message is on its way."""

    said: str
    template: str = ""


ACTS = {
    "initialise": Act("The seller is asked for final terms."),
    "confirm": Act("Your confirmation is on its way to the seller.", "purchases/confirm.html"),
    "dispatch": Act("The dispatch is on its way to the seller.", "purchases/dispatch.html"),
    "cancel": Act("The cancellation is on its way to the seller.", "purchases/cancel.html"),
    "status": Act("The seller is asked for the state of the order."),
}


# What is said once a question is on its way, and the field that its problems are about.
QUESTIONS = {
    "track": ("The seller is asked where delivery stands.", ""),
    "rate": ("Your rating is on its way to the seller.", "score"),
    "support": ("Your question is on its way to the seller.", "subject"),
}
SCORES = [str(score) for score in range(LOWEST, HIGHEST + 1)]


def filters_of(request: HttpRequest) -> PurchaseFilters:
    """The filters in the address."""
    return PurchaseFilters(state=request.GET.get("state", ""))


@require_safe
@only(GRID)
def purchases(request: HttpRequest) -> HttpResponse:
    """The list."""
    filters = filters_of(request)
    context = {
        "p": purchase_list(visible(Purchase, user_of(request)), filters, page_number(request)),
        "filters": filters,
        "states": Purchase.State.choices,
        "query": query_without(request, "page"),
        "topic": orders_topic(request),
    }
    return page(request, "purchases/list.html", context, here="purchases")


@require_safe
@only(GRID)
def purchases_csv(request: HttpRequest) -> HttpResponseBase:
    """Exactly the filtered purchases."""
    rows = filtered_purchases(visible(Purchase, user_of(request)), filters_of(request))
    return csv_response("purchases", HEADER, purchase_export(rows))


@require_safe
@only(GRID)
def purchase(request: HttpRequest, pk: str) -> HttpResponse:
    """One purchase with its next step."""
    found = get_object_or_404(visible(Purchase, user_of(request)), pk=pk)
    return shown(request, found, "purchases/purchase.html", ())


def shown(request: HttpRequest, found: Purchase, template: str, problems: tuple[Problem, ...]) -> HttpResponse:
    """One of the purchase's pages."""
    return page(
        request,
        template,
        {
            "p": purchase_page(found, now()),
            "topic": f"purchase:{found.pk}",
            "scores": SCORES,
            "asked": {"score": request.POST.get("score", ""), "subject": request.POST.get("subject", "")},
        },
        here="purchases",
        problems=problems,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@only(GRID)
def act(request: HttpRequest, pk: str, step: str) -> HttpResponse:
    """Check a step, then take it. Steps that bind nobody have no check page and only take a POST."""
    found = get_object_or_404(visible(Purchase, user_of(request)), pk=pk)
    wanted = ACTS.get(step)
    if wanted is None:
        raise Http404("There is no such step.")
    if request.method != "POST":
        return shown(request, found, wanted.template, ()) if wanted.template else redirect("purchase", found.pk)
    try:
        advance_purchase(purchase=found, step=step, user=user_of(request), now=now())
    except REFUSALS as error:
        found.refresh_from_db()
        return shown(request, found, wanted.template or "purchases/purchase.html", (problem_from(error),))
    messages.info(request, wanted.said)
    return redirect("purchase", found.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@only(GRID)
def ask(request: HttpRequest, pk: str, word: str) -> HttpResponse:
    """Ask the seller about the order; nothing is bound by it."""
    found = get_object_or_404(visible(Purchase, user_of(request)), pk=pk)
    if word not in QUESTIONS:
        raise Http404("There is no such question.")
    if request.method != "POST":
        return redirect("purchase", found.pk)
    said, field = QUESTIONS[word]
    score, subject = request.POST.get("score", ""), request.POST.get("subject", "").strip()
    try:
        if word == "support" and not subject:
            raise MarketError("BAD_SUBJECT", "The question is empty.", fix="Say in a few words what it is about.")
        ask_seller(
            purchase=found,
            word=word,
            score=int(score) if score in SCORES else 0,
            subject=subject,
            user=user_of(request),
            now=now(),
        )
    except REFUSALS as error:
        about = field if isinstance(error, MarketError) and error.code.startswith("BAD_") else ""
        return shown(request, found, "purchases/purchase.html", (problem_from(error, field=about),))
    messages.info(request, said)
    return redirect("purchase", found.pk)
