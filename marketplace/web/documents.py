"""The contract document of an order, for its parties and the auditor: to read, and byte for byte."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from marketplace.models import ContractDocument
from marketplace.queries.documents import document_page, newest_first
from marketplace.queries.visible import visible
from marketplace.web.page import only, page, user_of


def document_for(request: HttpRequest, pk: UUID, version: int | None) -> ContractDocument:
    """The version asked for, or the newest; one that is not theirs does not exist for them."""
    found = newest_first(visible(ContractDocument, user_of(request)).filter(order=pk))
    if version is not None:
        return get_object_or_404(found, version=version)
    return get_object_or_404(found[:1])


@require_safe
@only()
def document(request: HttpRequest, pk: UUID, version: int | None = None) -> HttpResponse:
    """The document to read."""
    found = document_for(request, pk, version)
    return page(request, "documents/document.html", {"p": document_page(found)}, here="orders")


@require_safe
@only()
def document_bytes(request: HttpRequest, pk: UUID, version: int) -> HttpResponse:
    """The canonical bytes that the hash is of."""
    found = document_for(request, pk, version)
    answer = HttpResponse(bytes(found.body), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="contract-{found.order_id}-{found.version}.json"'
    return answer
