"""Django's entry for the composition: every Django process knows the Celery app and runs the system checks."""

from importlib import import_module

from django.apps import AppConfig

from caco_site import celery  # noqa: F401 - loading it makes it the app


class CompositionConfig(AppConfig):
    """No models; management commands, checks and the Celery app."""

    name = "caco_site"

    def ready(self) -> None:
        """Register the checks. Only now: some ask rooms that have models."""
        import_module("caco_site.checks")
