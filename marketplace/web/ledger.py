"""The log: the list with its filters and export, and one entry with every byte it stands on."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST, require_safe

from marketplace.models import Event, LedgerEntry
from marketplace.queries.ledger import (
    HEADER,
    NAMES,
    LedgerFilters,
    entry_page,
    filtered_entries,
    ledger_export,
    ledger_page,
)
from marketplace.queries.visible import visible
from marketplace.web.exports import csv_response
from marketplace.web.page import only, page, page_number, query_without, user_of


def filters_of(request: HttpRequest) -> LedgerFilters:
    """The filters in the address."""
    return LedgerFilters(*(request.GET.get(name, "").strip() for name in ("type", "subject", "state", "find")))


@require_safe
@only()
def ledger(request: HttpRequest) -> HttpResponse:
    """The entries this person may read."""
    user, filters = user_of(request), filters_of(request)
    entries = visible(LedgerEntry, user)
    context = {
        "p": ledger_page(entries, visible(Event, user), filters, page_number(request)),
        "filters": filters,
        "states": NAMES.items(),
        "query": query_without(request, "page"),
    }
    return page(request, "ledger/list.html", context, here="ledger")


@require_safe
@only()
def ledger_csv(request: HttpRequest) -> HttpResponseBase:
    """Exactly the filtered entries."""
    rows = filtered_entries(visible(LedgerEntry, user_of(request)), filters_of(request))
    return csv_response("ledger", HEADER, ledger_export(rows))


@require_safe
@only()
def entry(request: HttpRequest, seq: int) -> HttpResponse:
    """One entry."""
    return shown(request, seq, None)


@require_POST
@only()
def verify(request: HttpRequest, seq: int) -> HttpResponse:
    """Work the entry's hashes out anew and compare each with the log and the chain. It changes nothing."""
    return shown(request, seq, None)


def shown(request: HttpRequest, seq: int, checks: None) -> HttpResponse:
    """The entry's page, with the checks when they were asked for."""
    found = get_object_or_404(visible(LedgerEntry, user_of(request)).select_related("event"), seq=seq)
    return page(request, "ledger/entry.html", {"p": entry_page(found), "checks": checks}, here="ledger")
