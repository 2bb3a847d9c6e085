"""How the house is doing, and the Beckn journal message by message."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages as notices
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from flex_engine.feeds.catalogue import chosen
from marketplace.models import Anchor
from marketplace.queries.feeds import feeds_page
from marketplace.queries.inspection import inspect
from marketplace.queries.messages import (
    HEADER,
    MessageFilters,
    message_export,
    message_of,
    messages_list,
    newest_messages,
    page_of_message,
)
from marketplace.queries.operations import operations_page
from marketplace.queries.refusals import may_see_refusals, refusals
from marketplace.queries.visible import visible
from marketplace.rules.errors import MarketError
from marketplace.usecases.redrive_message import redrive_message
from marketplace.usecases.retry_anchor import retry_anchor
from marketplace.web.exports import csv_response
from marketplace.web.page import (
    Problem,
    now,
    only,
    page,
    page_number,
    posted,
    problem_from,
    query_without,
    user_of,
)


@require_safe
@only()
def operations(request: HttpRequest) -> HttpResponse:
    """Messages, agents, feeds and chain."""
    return overview(request, ())


def overview(request: HttpRequest, problems: tuple[Problem, ...]) -> HttpResponse:
    """The operations page."""
    user = user_of(request)
    context = {"p": operations_page(user, now()), "messages_shown": newest_messages(user)}
    return page(request, "operations/operations.html", context, here="operations", problems=problems)


@require_http_methods(["GET", "HEAD", "POST"])
@only()
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Send an anchor again that failed. Transactions live on real time, as messages do. A link leads back to the page."""
    if request.method != "POST":
        return redirect("operations")
    found = get_object_or_404(visible(Anchor, user_of(request)), pk=pk)
    try:
        retry_anchor(anchor=found, user=user_of(request), now=now(), sent_now=timezone.now())
    except MarketError as error:
        return overview(request, (problem_from(error),))
    notices.info(request, "It is in line again and is sent with the next tick.")
    return redirect("operations")


def filters_of(request: HttpRequest) -> MessageFilters:
    """The filters in the address."""
    return MessageFilters(*(request.GET.get(name, "").strip() for name in ("way", "action", "state", "transaction")))


@require_safe
@only()
def messages(request: HttpRequest) -> HttpResponse:
    """The journal with its filters."""
    user, filters = user_of(request), filters_of(request)
    context = {
        "p": messages_list(user, filters, page_number(request)),
        "filters": filters,
        "query": query_without(request, "page"),
    }
    return page(request, "operations/messages.html", context, here="operations")


@require_safe
@only()
def messages_csv(request: HttpRequest) -> HttpResponseBase:
    """Exactly the filtered messages."""
    return csv_response("messages", HEADER, message_export(user_of(request), filters_of(request)))


@require_safe
@only()
def message(request: HttpRequest, direction: str, pk: int) -> HttpResponse:
    """One message: what was sent, what was said about it."""
    return shown(request, direction, pk, ())


def shown(request: HttpRequest, direction: str, pk: int, problems: tuple[Problem, ...]) -> HttpResponse:
    """The message's page."""
    row = message_of(user_of(request), direction, pk)
    if row is None:
        raise Http404("No such message.")
    context = {"p": page_of_message(user_of(request), row), "i": inspect(row)}
    return page(request, "operations/message.html", context, here="operations", problems=problems)


@require_safe
@only()
def message_bytes(request: HttpRequest, direction: str, pk: int) -> HttpResponse:
    """Exactly the bytes that were signed."""
    row = message_of(user_of(request), direction, pk)
    if row is None:
        raise Http404("No such message.")
    named = {"Content-Disposition": f'attachment; filename="{row.action.replace("/", "-")}-{row.message_id}.json"'}
    return HttpResponse(bytes(row.raw), content_type="application/octet-stream", headers=named)


@require_safe
@only()
def feeds(request: HttpRequest) -> HttpResponse:
    """The feeds of public grid data, what of them was set aside, and the newest forecasts."""
    shown = feeds_page(now(), live=settings.FEEDS_LIVE, feeds=chosen(settings.FEEDS))
    return page(request, "operations/feeds_page.html", {"p": shown}, here="operations")


@require_safe
@only()
def refused(request: HttpRequest) -> HttpResponse:
    """Requests that became no message, for whoever puts messages right."""
    if not may_see_refusals(user_of(request)):
        raise Http404("There is no such page for your role.")
    return page(request, "operations/refused.html", {"refused": refusals(user_of(request))}, here="operations")


@posted("message")
@only()
def redrive(request: HttpRequest, direction: str, pk: int) -> HttpResponse:
    """Try a dead letter again. Deliveries live on real time, so this is the one page that reads that clock."""
    found = message_of(user_of(request), direction, pk)
    if found is None:
        raise Http404("No such message.")
    try:
        redrive_message(message=found, user=user_of(request), now=timezone.now())
    except MarketError as error:
        return shown(request, direction, pk, (problem_from(error),))
    notices.info(request, "The message is tried again now.")
    return redirect("message", direction, pk)
