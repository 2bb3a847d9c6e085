"""What a site can deliver and what of it is spoken for, per settlement period, and the stacking ledger of who holds it.

However many offers cover one half hour, the check on SiteCapacity keeps what is sold within what was proved.
"""

from __future__ import annotations

from decimal import Decimal

from django.db import models

from marketplace.models.site import Site


class SiteCapacity(models.Model):
    """One site, settlement period and direction (REDUCE or INCREASE), in kW.

    `deliverable_kw` is what the certificates of the site's offers prove together; `reserved_kw` is the sum of the stacking
    rows that take power of their own (co-delivery shares the power of another row).
    """

    site = models.ForeignKey(Site, models.CASCADE, related_name="capacity")
    start_at = models.DateTimeField()
    direction = models.CharField(max_length=8)
    deliverable_kw = models.DecimalField(max_digits=12, decimal_places=3)
    reserved_kw = models.DecimalField(max_digits=12, decimal_places=3, default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "start_at", "direction"], name="one_capacity_row_per_site_period_and_direction"
            ),
            models.CheckConstraint(
                condition=models.Q(reserved_kw__gte=0, reserved_kw__lte=models.F("deliverable_kw")),
                name="a_site_never_sells_more_than_it_can_deliver",
            ),
        ]

    @property
    def left_kw(self) -> Decimal:
        """What can still be sold of the site, in kW."""
        return self.deliverable_kw - self.reserved_kw


class StackingRow(models.Model):
    """What one order holds of a site in [start_at, end_at): `kw` for a service, in one of the three forms of stacking.

    CO_DELIVERY shares the power of the row it stands `beside`; SPLITTING and JUMPING take power of their own.
    """

    class State(models.TextChoices):
        """HELD -> RELEASED when the order is cancelled, declined or expires."""

        HELD = "HELD", "Held"
        RELEASED = "RELEASED", "Released"

    site = models.ForeignKey(Site, models.PROTECT, related_name="stacking_rows")
    order = models.ForeignKey("marketplace.Order", models.PROTECT, related_name="stacking_rows")
    service = models.CharField(max_length=40)
    direction = models.CharField(max_length=8)
    form = models.CharField(max_length=12, help_text="CO_DELIVERY, SPLITTING or JUMPING")
    beside = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="co_delivered")
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    kw = models.DecimalField(max_digits=12, decimal_places=3)
    state = models.CharField(max_length=8, choices=State.choices, default=State.HELD)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(end_at__gt=models.F("start_at"), kw__gt=0), name="a_stacking_row_holds_something"
            ),
            models.CheckConstraint(
                condition=models.Q(form="CO_DELIVERY", beside__isnull=False)
                | models.Q(form__in=["SPLITTING", "JUMPING"], beside__isnull=True),
                name="only_co_delivery_stands_beside_another_row",
            ),
        ]
        indexes = [models.Index(fields=["site", "state", "start_at"])]
