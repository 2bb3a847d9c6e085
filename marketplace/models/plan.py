"""Plans: what runs when, beside what first-come-first-served would have done, and how flexible it leaves the site."""

from __future__ import annotations

from django.db import models

from marketplace.models.site import Site


class Plan(models.Model):
    """One solve for one site. Half-hourly lists start at `start_at`; power in kW at the meter."""

    class State(models.TextChoices):
        """READY is usable; INFEASIBLE and FAILED leave the plan before it in force."""

        READY = "READY", "Ready"
        INFEASIBLE = "INFEASIBLE", "Infeasible"
        FAILED = "FAILED", "Failed"

    site = models.ForeignKey(Site, models.CASCADE, related_name="plans")
    state = models.CharField(max_length=10, choices=State.choices)
    created_at = models.DateTimeField()
    start_at = models.DateTimeField()
    slots = models.PositiveIntegerField()
    load_kw = models.JSONField(default=list)
    fifo_load_kw = models.JSONField(default=list)
    price_gbp_per_mwh = models.JSONField(default=list)
    carbon_g_per_kwh = models.JSONField(default=list)
    down_kw = models.JSONField(
        default=list, help_text="Power that can be turned down in each half hour, certified singly"
    )
    up_kw = models.JSONField(default=list)
    allocations = models.JSONField(default=dict, help_text="{job external id: [[slot, share of the half hour], ...]}")
    executed_s = models.JSONField(
        default=dict,
        help_text="{job external id: seconds of work the plans before this one ran before start_at} (Assumed)",
    )
    fifo_allocations = models.JSONField(default=dict)
    commitments = models.JSONField(default=list, help_text="[{order, start, site_max_kw}] held as hard limits")
    cost_gbp = models.FloatField(default=0)
    fifo_cost_gbp = models.FloatField(default=0)
    carbon_kg = models.FloatField(default=0)
    fifo_carbon_kg = models.FloatField(default=0)
    solver = models.CharField(max_length=60, blank=True)
    status = models.CharField(max_length=40, blank=True)
    gap = models.FloatField(null=True, blank=True)
    solve_s = models.FloatField(default=0)
    reasons = models.JSONField(default=list, help_text="Why infeasible or failed, and what to relax, in words")
    signal_sources = models.JSONField(default=list)
    assumptions = models.JSONField(default=list)

    class Meta:
        indexes = [models.Index(fields=["site", "-created_at"])]
