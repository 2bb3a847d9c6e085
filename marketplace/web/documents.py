"""The contract document of an order, for its parties and the auditor: to read, and byte for byte."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_safe

from marketplace.models import ContractDocument
from marketplace.queries.documents import document_page, newest_first
from marketplace.queries.visible import visible
from marketplace.web.page import now, only, page, user_of
from marketplace.wire.document_link import opens


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


@require_GET
def document_by_link(request: HttpRequest, pk: UUID, version: int, last: int, signed: str) -> HttpResponse:  # noqa: ARG001 - a view's signature
    """The same bytes for whoever was sent the signed address, without an account.

    An address that is not ours, is over, or is of other bytes looks like one of nothing.
    """
    found = ContractDocument.objects.filter(order=pk, version=version).first()
    if found is None or not opens(found, last=last, signed=signed, now=now()):
        raise Http404("There is no such document.")
    answer = HttpResponse(bytes(found.body), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="contract-{found.order_id}-{found.version}.json"'
    answer["Cache-Control"] = "private, no-store"
    answer["X-Robots-Tag"] = "noindex"
    return answer
