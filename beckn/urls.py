"""The registry's addresses, to be included under beckn/. Messages are taken before Django sees them (beckn.receive)."""

from django.urls import include, path

from beckn import dedi, views

urlpatterns = [
    path("ds/", include("beckn.discovery.urls")),
    path("registry/lookup", views.lookup, name="registry-lookup"),
    path("registry/subscribers/lookup", views.lookup, name="registry-subscribers-lookup"),
    path("registry/subscribers", views.subscribers, name="registry-subscribers"),
    path("registry/subscribe", views.subscribe, name="registry-subscribe"),
    path(
        f"registry/dedi/lookup/<str:subscriber_id>/{dedi.SUBSCRIBERS}/<str:key_id>",
        views.directory_key,
        name="registry-dedi-key",
    ),
    path(
        "registry/dedi/lookup/<str:namespace>/<str:registry>/<str:record>",
        views.directory_record,
        name="registry-dedi-record",
    ),
]
