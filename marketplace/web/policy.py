"""The settlement policy that contracts point to, for anybody who wants to read or compute it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from beckn.types import public
from beckn.wire.types import written
from marketplace.wire.policy import policy


@require_safe
def settlement_policy(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - a view's signature
    """GET /schema/policies/compute-flex-v1.json."""
    return public(written(policy()), "application/json")
