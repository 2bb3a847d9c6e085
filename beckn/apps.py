"""Django's entry for the beckn app."""

from django.apps import AppConfig


class BecknConfig(AppConfig):
    """The message journal and what moves it."""

    name = "beckn"
    default_auto_field = "django.db.models.BigAutoField"
