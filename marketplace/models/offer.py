"""Offers: flexibility for sale. What is sold is kept per settlement period, where the database refuses overselling."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.db import models

from marketplace.models.capacity import SiteCapacity
from marketplace.models.plan import Plan
from marketplace.models.site import Site
from marketplace.rules.product_terms import DEFAULT


class Offer(models.Model):
    """A window of turn-down or turn-up at stated prices. Prices are Decimal GBP per kWh of the seller's delivery."""

    class State(models.TextChoices):
        """DRAFT -> PUBLISHED -> SOLD, WITHDRAWN or EXPIRED."""

        DRAFT = "DRAFT", "Draft"
        PUBLISHED = "PUBLISHED", "Published"
        SOLD = "SOLD", "Sold"
        WITHDRAWN = "WITHDRAWN", "Withdrawn"
        EXPIRED = "EXPIRED", "Expired"

    class Direction(models.TextChoices):
        """The words of the market; on the wire REDUCE and INCREASE."""

        TURN_DOWN = "REDUCE", "Turn-down"
        TURN_UP = "INCREASE", "Turn-up"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    site = models.ForeignKey(Site, models.PROTECT, related_name="offers")
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="offers")
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    product = models.CharField(
        max_length=60, default=DEFAULT, help_text="A key of flex_engine.settle.products, on the day of the window"
    )
    direction = models.CharField(max_length=8, choices=Direction.choices, default=Direction.TURN_DOWN)
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    gate_closure_at = models.DateTimeField()
    notice_s = models.PositiveIntegerField(default=900)
    max_events_per_day = models.PositiveSmallIntegerField(default=1)
    free_cancellation_s = models.PositiveIntegerField(default=0, help_text="Before the window; later it costs the fee")
    cancellation_fee_percent = models.DecimalField(
        max_digits=5, decimal_places=2, default=Decimal(0), help_text="Of the quote"
    )
    utilisation_price_gbp_per_kwh = models.DecimalField(max_digits=10, decimal_places=4)
    shortfall_penalty_gbp_per_kwh = models.DecimalField(max_digits=10, decimal_places=4)
    availability_price_gbp_per_mw_h = models.DecimalField(max_digits=10, decimal_places=4, default=0)
    baseline_method = models.CharField(max_length=40, default="like-day-mean-v1")
    price_arithmetic = models.JSONField(default=list, help_text="[{item, value, unit, why}] adding up to the price")
    certificate = models.JSONField(
        default=dict, help_text="Proof that every dispatch allowed can be met, with its solver facts"
    )
    standing = models.JSONField(
        default=dict,
        blank=True,
        help_text="Whether the proof still holds beside all else that is sold, as certify_offers last found it",
    )
    back_test = models.JSONField(
        default=dict, help_text="Each baseline method on past days without an event, as back_test_site made it"
    )
    created_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(end_at__gt=models.F("start_at")), name="offer_ends_after_it_starts"
            ),
            models.CheckConstraint(
                condition=models.Q(utilisation_price_gbp_per_kwh__gte=0, shortfall_penalty_gbp_per_kwh__gte=0),
                name="offer_prices_are_not_negative",
            ),
            models.CheckConstraint(
                condition=models.Q(availability_price_gbp_per_mw_h__gte=0),
                name="offer_availability_price_is_not_negative",
            ),
        ]
        indexes = [models.Index(fields=["state", "start_at"])]


class OfferPeriod(models.Model):
    """One settlement period of an offer. The check below makes overselling an offer impossible, that of `capacity` its site."""

    offer = models.ForeignKey(Offer, models.CASCADE, related_name="periods")
    start_at = models.DateTimeField()
    offered_kw = models.DecimalField(max_digits=12, decimal_places=3)
    reserved_kw = models.DecimalField(max_digits=12, decimal_places=3, default=0)
    capacity = models.ForeignKey(
        SiteCapacity,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="offer_periods",
        help_text="The site's row of this period",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["offer", "start_at"], name="one_row_per_offer_and_period"),
            models.CheckConstraint(
                condition=models.Q(reserved_kw__gte=0, reserved_kw__lte=models.F("offered_kw")),
                name="reserved_never_exceeds_offered",
            ),
        ]


class OfferRequest(models.Model):
    """Somebody's wish for an offer, worked on by the optimisation agent. No window given: the agent picks the best."""

    class State(models.TextChoices):
        """PENDING -> DONE with an offer, or REFUSED with the reason in words."""

        PENDING = "PENDING", "Being worked out"
        DONE = "DONE", "Drafted"
        REFUSED = "REFUSED", "Refused"

    site = models.ForeignKey(Site, models.CASCADE, related_name="offer_requests")
    start_at = models.DateTimeField(null=True, blank=True)
    end_at = models.DateTimeField(null=True, blank=True)
    product = models.CharField(max_length=60, default=DEFAULT)
    direction = models.CharField(max_length=8, choices=Offer.Direction.choices, default=Offer.Direction.TURN_DOWN)
    availability_price_gbp_per_mw_h = models.DecimalField(
        max_digits=10, decimal_places=4, null=True, blank=True, help_text="Empty: the product's reference price"
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    offer = models.OneToOneField(Offer, models.SET_NULL, null=True, blank=True, related_name="request")
    problem = models.TextField(blank=True)
    created_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
