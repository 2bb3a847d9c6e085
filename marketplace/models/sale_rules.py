"""How a site sells: which orders wait for a person's yes, and what cancelling costs."""

from __future__ import annotations

from decimal import Decimal

from django.db import models

from marketplace.models.site import Site


class SaleRules(models.Model):
    """One site's rules. A site without a row confirms every order at once, and cancelling before dispatch is free.

    An order above `approve_above_kw` in any half hour, or at a price below `floor_gbp_per_kwh`, waits `approve_within_s` at
    most. The two cancellation terms are copied onto an offer when it is published, and onto an order when it is quoted.
    """

    site = models.OneToOneField(Site, models.CASCADE, related_name="sale_rules")
    approve_above_kw = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    floor_gbp_per_kwh = models.DecimalField(max_digits=10, decimal_places=4, null=True, blank=True)
    approve_within_s = models.PositiveIntegerField(default=3600)
    free_cancellation_s = models.PositiveIntegerField(default=0, help_text="Before the window; later it costs the fee")
    cancellation_fee_percent = models.DecimalField(
        max_digits=5, decimal_places=2, default=Decimal(0), help_text="Of the quote"
    )
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(cancellation_fee_percent__gte=0, cancellation_fee_percent__lte=100),
                name="cancellation_fee_is_a_share_of_the_quote",
            ),
            models.CheckConstraint(
                condition=models.Q(approve_above_kw__isnull=True) | models.Q(approve_above_kw__gte=0),
                name="approval_size_is_not_negative",
            ),
            models.CheckConstraint(condition=models.Q(approve_within_s__gte=60), name="approval_has_a_minute_at_least"),
        ]
