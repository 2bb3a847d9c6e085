"""The public pages of the log and its files: no sign-in, no cookie read, the same bytes for everybody, made to be cached."""

from __future__ import annotations

import re
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from marketplace.ledger.published import CHECKPOINT, folder
from marketplace.ledger.tiles import TilesError
from marketplace.queries.audit import audit_page, consistency_file, leaf_page, log_key, proof_file
from marketplace.web.page import page_number, public_frame

TILE = re.compile(r"(?:entries|[0-9]|[1-5][0-9]|6[0-3])/(?:x[0-9]{3}/)*[0-9]{3}(?:\.p/[1-9][0-9]{0,2})?")
SOON, LATER, NEVER = "public, max-age=5", "public, max-age=60", "public, max-age=31536000, immutable"


def answer(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """A public page. Whoever is signed in sees what everybody sees."""
    response = render(request, template, {**public_frame(request), **context})
    response["Cache-Control"] = SOON
    return response


@require_safe
def log(request: HttpRequest) -> HttpResponse:
    """Heads, the search by hash, the files, and how to check all of it."""
    p = audit_page(page_number(request), request.GET.get("hash", "")[:200])
    return answer(request, "audit/log.html", {"p": p, "base": request.build_absolute_uri("/").rstrip("/")})


@require_safe
def entry(request: HttpRequest, seq: int) -> HttpResponse:
    """One entry's leaf, and the proof that it is in the log, drawn."""
    found = published(leaf_page, seq)
    return answer(request, "audit/entry.html", {"p": found, "base": request.build_absolute_uri("/").rstrip("/")})


@require_safe
def proof(request: HttpRequest, seq: int) -> HttpResponse:  # noqa: ARG001 - a view's signature
    """The tlog-proof of an entry, to keep."""
    return text(published(proof_file, seq), LATER, f"entry-{seq}.tlog-proof")


@require_safe
def consistency(request: HttpRequest, old: int, new: int) -> HttpResponse:  # noqa: ARG001 - a view's signature
    """The proof that one head extends another."""
    return text(published(consistency_file, old, new), NEVER)


@require_safe
def key(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - a view's signature
    """The verifier key of the checkpoints."""
    found = log_key()
    if not found:
        raise Http404("Nothing has been signed yet.")
    return text(f"{found}\n", LATER)


@require_safe
def checkpoint(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - a view's signature
    """The signed head of the files below."""
    return text(published_bytes(CHECKPOINT).decode(), SOON)


@gzip_page
@require_safe
def tile(request: HttpRequest, path: str) -> HttpResponse:  # noqa: ARG001 - a view's signature
    """A tile or a bundle of leaves, which never changes."""
    if not TILE.fullmatch(path):
        raise Http404("The log has no such file.")
    response = HttpResponse(published_bytes(f"tile/{path}"), content_type="application/octet-stream")
    response["Cache-Control"] = NEVER
    return response


def published(ask: Any, *numbers: int) -> Any:
    """What `ask` answers about the published log. Raises Http404 for what is not in it, or cannot be read."""
    try:
        found = ask(*numbers)
    except TilesError as problem:
        raise Http404("The published files are damaged.") from problem
    if found is None:
        raise Http404("That is not in the published log.")
    return found


def published_bytes(path: str) -> bytes:
    """A published file. Raises Http404 when there is none."""
    public = folder("public")
    try:
        if public is not None:
            return public.read(path)
    except TilesError:
        pass
    raise Http404("The log has no such file.")


def text(body: str, caching: str, download: str = "") -> HttpResponse:
    """Plain text, to keep under the name `download` if there is one."""
    response = HttpResponse(body, content_type="text/plain; charset=utf-8")
    response["Cache-Control"] = caching
    if download:
        response["Content-Disposition"] = f'attachment; filename="{download}"'
    return response
