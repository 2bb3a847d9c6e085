"""GET /metrics for a Prometheus server: only with the token of CACO_METRICS_TOKEN, or for signed-in staff.

The address of whoever asks proves nothing behind a proxy, so loopback opens no door here.
"""

from __future__ import annotations

import hmac

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from beckn import metrics


@never_cache
@require_safe
def exposed(request: HttpRequest) -> HttpResponse:
    """The figures; 401 to whoever may not see them, before anything is counted."""
    if not may_see(request):
        return HttpResponse(status=401, headers={"WWW-Authenticate": 'Bearer realm="metrics"'})
    return HttpResponse(metrics.text(), content_type=CONTENT_TYPE_LATEST)


def may_see(request: HttpRequest) -> bool:
    """Whether the request carries the configured token, or is of somebody of the staff."""
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    wanted = settings.METRICS_TOKEN.encode()
    if wanted and kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), wanted):
        return True
    user = request.user
    return user.is_active and user.is_staff if user.is_authenticated else False
