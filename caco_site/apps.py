"""Django's entry for the composition: every Django process knows the Celery app and runs the system checks."""

from django.apps import AppConfig

from caco_site import celery, checks  # noqa: F401 - loading them registers them


class CompositionConfig(AppConfig):
    """No models; management commands, checks and the Celery app."""

    name = "caco_site"
