"""Disputes with a seller elsewhere: said on the purchase's own pages, carried on by signed messages."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods

from marketplace.models import Purchase, PurchaseDispute
from marketplace.queries.disputes import REASONS
from marketplace.queries.purchases import purchase_page
from marketplace.queries.visible import visible
from marketplace.rules.dispute import DisputeStep
from marketplace.usecases.dispute_purchase import dispute_purchase, step_dispute
from marketplace.web.page import GRID, REFUSALS, Problem, now, only, page, problem_from, user_of
from marketplace.web.statements import claim_of

TYPED = ("reason", "unit", "claimed_value", "words", "evidence_reference", "evidence_sha256")
STEPS = {"uphold": DisputeStep.UPHOLD, "escalate": DisputeStep.ESCALATE}


@require_http_methods(["GET", "HEAD", "POST"])
@only(GRID)
def dispute(request: HttpRequest, pk: str) -> HttpResponse:
    """Say what is wrong with the seller's settlement, then send it."""
    found = get_object_or_404(visible(Purchase, user_of(request)), pk=pk)
    if request.method != "POST":
        return form(request, found, ())
    try:
        dispute_purchase(purchase=found, **claim_of(request.POST), user=user_of(request), now=now())
    except REFUSALS as error:
        return form(request, found, (problem_from(error, field=column_of(error)),))
    messages.info(request, "The dispute is on its way to the seller.")
    return redirect("purchase", found.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@only(GRID)
def step(request: HttpRequest, pk: str, dispute: str, step: str) -> HttpResponse:
    """Accept the settlement, or take the dispute further."""
    found = get_object_or_404(visible(PurchaseDispute, user_of(request)), pk=dispute, purchase=pk)
    if step not in STEPS:
        raise Http404("There is no such step.")
    if request.method != "POST":
        return redirect("purchase", pk)
    try:
        step_dispute(
            dispute=found,
            step=STEPS[step],
            words=request.POST.get("words", "").strip(),
            user=user_of(request),
            now=now(),
        )
    except REFUSALS as error:
        messages.error(request, str(error))
        return redirect("purchase", pk)
    messages.info(request, "Your step is on its way to the seller.")
    return redirect("purchase", pk)


def column_of(error: Exception) -> str:
    """The form's field that an error is about; empty for one of the whole."""
    return str(getattr(error, "details", {}).get("column", ""))


def form(request: HttpRequest, found: Purchase, problems: tuple[Problem, ...]) -> HttpResponse:
    """The form with what was typed."""
    context = {
        "p": purchase_page(found, now()),
        "reasons": REASONS.items(),
        "typed": {name: request.POST.get(name, "") for name in TYPED},
        "chosen": request.POST.getlist("periods"),
    }
    return page(request, "purchases/dispute.html", context, here="purchases", problems=problems)
