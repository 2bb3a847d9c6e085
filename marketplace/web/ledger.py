"""The log: the list with its filters and export, and one entry with every byte it stands on."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

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
from marketplace.queries.proofs import chain_reader, checks, proof_of, verdict
from marketplace.queries.visible import visible
from marketplace.web.exports import csv_response
from marketplace.web.page import only, page, page_number, posted, query_without, user_of


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
    context = {"p": entry_page(entry_for(request, seq)), "proof": None, "checks": (), "verdict": None}
    return page(request, "ledger/entry.html", context, here="ledger")


@require_safe
@only()
def proof_file(request: HttpRequest, seq: int) -> HttpResponse:
    """The entry's proof with its payload and salt, to keep, and to drop on the public page."""
    response = JsonResponse(proof_of(entry_for(request, seq)).as_json())
    response["Content-Disposition"] = f'attachment; filename="proof-entry-{seq}.json"'
    return response


@posted("entry")
@only()
def verify(request: HttpRequest, seq: int) -> HttpResponse:
    """Work the entry's hashes out anew and compare each with the log and the chain. It changes nothing."""
    found = entry_for(request, seq)
    proof = proof_of(found)
    made = checks(proof, chain_reader())
    context = {"p": entry_page(found), "proof": proof, "checks": made, "verdict": verdict(made)}
    return page(request, "ledger/entry.html", context, here="ledger")


def entry_for(request: HttpRequest, seq: int) -> LedgerEntry:
    """Entry `seq` if this person may see it; any other does not exist for them."""
    return get_object_or_404(visible(LedgerEntry, user_of(request)).select_related("event"), seq=seq)
