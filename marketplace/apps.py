"""Django's entry for the marketplace app."""

from django.apps import AppConfig


class MarketplaceConfig(AppConfig):
    """One app, built in floors (docs/explanation/architecture.md)."""

    name = "marketplace"
    default_auto_field = "django.db.models.BigAutoField"
