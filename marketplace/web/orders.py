"""Orders as the seller, and the auditor, read them; and the seller's yes or no to those that wait for one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_safe

from marketplace.models import Order
from marketplace.queries.orders import (
    HEADER,
    NAMES,
    OrderFilters,
    filtered_orders,
    order_export,
    order_list,
    order_page,
)
from marketplace.queries.visible import visible
from marketplace.rules.errors import MarketError
from marketplace.usecases.approve_order import approve_order
from marketplace.usecases.decline_order import decline_order
from marketplace.web.exports import csv_response
from marketplace.web.page import (
    AUDITOR,
    OPERATOR,
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


def filters_of(request: HttpRequest) -> OrderFilters:
    """The filters in the address."""
    return OrderFilters(state=request.GET.get("state", ""), site=request.GET.get("site", ""))


@require_safe
@only(OPERATOR, AUDITOR)
def orders(request: HttpRequest) -> HttpResponse:
    """The list."""
    rows, filters = visible(Order, user_of(request)), filters_of(request)
    context = {
        "p": order_list(rows, filters, page_number(request)),
        "filters": filters,
        "states": [(state.value, name) for state, name in NAMES.items()],
        "sites": rows.order_by("offer__site__name").values_list("offer__site__slug", "offer__site__name").distinct(),
        "query": query_without(request, "page"),
        "topic": orders_topic(request),
    }
    return page(request, "orders/list.html", context, here="orders")


@require_safe
@only(OPERATOR, AUDITOR)
def orders_csv(request: HttpRequest) -> HttpResponseBase:
    """Exactly the filtered orders."""
    return csv_response(
        "orders", HEADER, order_export(filtered_orders(visible(Order, user_of(request)), filters_of(request)))
    )


@require_safe
@only(OPERATOR, AUDITOR)
def order(request: HttpRequest, pk: str) -> HttpResponse:
    """One order: where it stands, what was ordered, dispatched, delivered and paid."""
    found = get_object_or_404(visible(Order, user_of(request)), pk=pk)
    return page(request, "orders/order.html", {"p": order_page(found), "topic": f"order:{found.pk}"}, here="orders")


@require_http_methods(["GET", "HEAD", "POST"])
@only(OPERATOR)
def decide(request: HttpRequest, pk: str) -> HttpResponse:
    """Say yes or no to an order that waits."""
    found = get_object_or_404(visible(Order, user_of(request)), pk=pk)
    if request.method != "POST":
        return deciding(request, found, ())
    reason, declines = request.POST.get("reason", ""), request.POST.get("answer") == "decline"
    try:
        if declines:
            decline_order(order=found, user=user_of(request), reason=reason, now=now())
        else:
            approve_order(order=found, user=user_of(request), now=now())
    except MarketError as error:
        found.refresh_from_db()
        problem = problem_from(error, field="reason" if error.code == "BAD_REASON" else "")
        return deciding(request, found, (problem,), reason)
    messages.info(
        request, "The order is declined, and its power is back on sale." if declines else "The order is sold."
    )
    return redirect("order", found.pk)


def deciding(request: HttpRequest, found: Order, problems: tuple[Problem, ...], reason: str = "") -> HttpResponse:
    """The page that asks."""
    context = {"p": order_page(found), "reason": reason}
    return page(request, "orders/decide.html", context, here="orders", problems=problems)
