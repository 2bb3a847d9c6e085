"""The Celery application. Celery is a wake-up call: every duty also runs from its table by a sweeper."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caco_site.settings")
app = Celery("caco")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["beckn", "marketplace.agents"])
