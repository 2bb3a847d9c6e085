"""What each agent saw, decided and why: one row per tick that did or refused something."""

from __future__ import annotations

from django.db import models

from marketplace.models.site import Site


class AgentDecision(models.Model):
    """One sentence each for what was seen, what was decided and why."""

    agent = models.CharField(max_length=20, help_text="compute, grid, optimisation or coordination")
    site = models.ForeignKey(Site, models.CASCADE, null=True, blank=True, related_name="decisions")
    at = models.DateTimeField()
    saw = models.TextField()
    decided = models.TextField()
    why = models.TextField()
    subject = models.CharField(max_length=120, blank=True)

    class Meta:
        indexes = [models.Index(fields=["-at"])]
