"""The registry's addresses, to be included under beckn/. Messages are taken before Django sees them (beckn.receive)."""

from django.urls import path

from beckn import views

urlpatterns = [
    path("registry/lookup", views.lookup, name="registry-lookup"),
    path("registry/subscribers", views.subscribers, name="registry-subscribers"),
]
