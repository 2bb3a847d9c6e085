"""Which door opens where: pages, the REST API, Beckn's registry, health. Beckn messages are taken before Django (asgi.py)."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from beckn import types
from caco_site import health, metrics
from marketplace.web import policy

urlpatterns: list[URLPattern | URLResolver] = [
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("metrics", metrics.exposed, name="metrics"),
    path("api/v1/", include("marketplace.api.urls")),
    path("beckn/", include("beckn.urls")),
    path("schema/policies/compute-flex-v1.json", policy.settlement_policy, name="settlement-policy"),
    path("schema/<str:kind>/v1.0/<str:name>", types.document, name="schema-document"),
    path("", include("marketplace.urls")),
]
handler400 = "marketplace.web.errors.bad_request"
handler403 = "marketplace.web.errors.permission_denied"
handler404 = "marketplace.web.errors.page_not_found"
handler500 = "marketplace.web.errors.server_error"
