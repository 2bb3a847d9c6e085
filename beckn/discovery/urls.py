"""The addresses under beckn/ds/ that are answered at once. Messages for the inbox are taken before Django sees them."""

from __future__ import annotations

from django.urls import path, re_path

from beckn.discovery import views

urlpatterns = [
    path("catalog/subscription", views.subscribe, name="ds-subscribe"),
    path("catalog/subscriptions", views.list_subscriptions, name="ds-subscriptions"),
    path("catalog/subscription/<uuid:subscription_id>", views.one_subscription, name="ds-subscription"),
    path("catalog/pull", views.pull, name="ds-pull"),
    path("catalog/pull/result/<uuid:request_id>/catalogs.json", views.pull_result, name="ds-pull-result"),
    path("catalog/master/search", views.master_search, name="ds-master-search"),
    path("catalog/master/schemaTypes", views.master_types, name="ds-master-types"),
    re_path(r"^catalog/master/(?P<item_id>[a-zA-Z0-9_\-:.]{1,255})$", views.master_item, name="ds-master-item"),
]
