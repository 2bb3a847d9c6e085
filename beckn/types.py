"""The door to our domain types' documents. They are public, the same for everybody, and may be kept for a day."""

from __future__ import annotations

import hashlib

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import etag, require_safe

from beckn.wire import types

KEPT_S = 86_400


def tag(request: HttpRequest, kind: str, name: str) -> str | None:  # noqa: ARG001 - as the view
    """The document's ETag; None for one there is not."""
    try:
        return f'"{hashlib.sha256(types.document(kind, name)[1].encode()).hexdigest()[:32]}"'
    except KeyError:
        return None


@require_safe
@etag(tag)
def document(request: HttpRequest, kind: str, name: str) -> HttpResponse:  # noqa: ARG001 - a view's signature
    """GET /schema/<Type>/v1.0/<document>."""
    try:
        media_type, text = types.document(kind, name)
    except KeyError as missing:
        raise Http404 from missing
    return public(text, media_type)


def public(text: str, media_type: str) -> HttpResponse:
    """A document that anybody may keep, also a page of another site."""
    response = HttpResponse(text, content_type=f"{media_type}; charset=utf-8")
    response["Cache-Control"] = f"public, max-age={KEPT_S}"
    response["Access-Control-Allow-Origin"] = "*"
    return response
