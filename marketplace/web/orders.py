"""Orders as the seller, and the auditor, read them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

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
from marketplace.web.exports import csv_response
from marketplace.web.page import AUDITOR, OPERATOR, only, orders_topic, page, page_number, query_without, user_of


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
