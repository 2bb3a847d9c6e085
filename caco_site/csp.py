"""One response header: what a page of ours may load. The policy itself stands in settings.CONTENT_SECURITY_POLICY."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

HEADER = "Content-Security-Policy"


class ContentSecurityPolicy:
    """Adds the policy to every response that does not carry one already."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.policy = written(settings.CONTENT_SECURITY_POLICY)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request, with the header."""
        response = self.get_response(request)
        response.headers.setdefault(HEADER, self.policy)
        return response


def written(policy: Mapping[str, str]) -> str:
    """The header's text.

    >>> written({"default-src": "'self'", "object-src": "'none'"})
    "default-src 'self'; object-src 'none'"
    """
    return "; ".join(f"{directive} {sources}" for directive, sources in policy.items())
