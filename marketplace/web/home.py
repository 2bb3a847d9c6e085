"""The home page, by role."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from marketplace.queries.home import auditor_home, grid_home, operator_home
from marketplace.web.page import AUDITOR, GRID, now, only, orders_topic, page, user_of, viewer_for


@require_safe
@only()
def home(request: HttpRequest) -> HttpResponse:
    """What is happening, is it fine, what should I do."""
    user, moment = user_of(request), now()
    kind = viewer_for(request).kind
    if kind == GRID:
        return page(
            request, "home/grid.html", {"home": grid_home(user, moment), "topic": orders_topic(request)}, here="home"
        )
    if kind == AUDITOR:
        return page(request, "home/auditor.html", {"home": auditor_home(user)}, here="home")
    return page(request, "home/operator.html", {"home": operator_home(user, moment)}, here="home")
