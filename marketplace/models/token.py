"""API tokens: hashed, expiring and scoped (django-rest-knox underneath)."""

from __future__ import annotations

from django.db import models
from knox.models import AbstractAuthToken

from marketplace.models.organisation import Organisation


class ApiToken(AbstractAuthToken):
    """A token of one person for one organisation. `scopes` is a list such as ["jobs:read", "jobs:write"]."""

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="api_tokens", null=True)
    name = models.CharField(max_length=80, default="")
    scopes = models.JSONField(default=list)
    last_used_at = models.DateTimeField(null=True, blank=True)
