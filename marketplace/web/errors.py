"""The pages for requests that fail: what happened, what was kept, what to do, and a reference to quote.

They must render when the database is down, so they read nothing: no viewer, no menu.
"""

from __future__ import annotations

import logging
import secrets

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import Resolver404

log = logging.getLogger(__name__)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: the request itself is broken."""
    return shown(request, 400, exception)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: the role does not allow it."""
    return shown(request, 403, exception)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the form is older than the session, or came from elsewhere."""
    return shown(request, 403, None, template="errors/csrf.html", why=reason)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: nothing here, or nothing this person may see; the two look the same on purpose."""
    # Resolver404 carries every address there is; the path in the line says enough.
    return shown(request, 404, None if isinstance(exception, Resolver404) else exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: our fault. The traceback is in the log beside the reference."""
    return shown(request, 500, None)


def shown(
    request: HttpRequest, status: int, exception: Exception | None, *, template: str = "", why: str = ""
) -> HttpResponse:
    """The page of `status` with a fresh reference, logged beside the path."""
    reference = secrets.token_hex(4)
    level = logging.ERROR if status >= 500 else logging.INFO
    log.log(
        level, "reference %s: %s for %s %s %s", reference, status, request.method, request.path, why or exception or ""
    )
    context = {"reference": reference, "environment": settings.ENVIRONMENT}
    body = render_to_string(template or f"errors/{status}.html", context)
    return HttpResponse(body, status=status)
