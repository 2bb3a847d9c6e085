"""Tenders of grid operators: a need by half hour, the bids of sites on it, and what was taken at closing."""

from __future__ import annotations

import uuid

from django.db import models

from marketplace.models.offer import Offer
from marketplace.models.order import Order
from marketplace.models.organisation import Organisation


class Tender(models.Model):
    """A need in [start_at, end_at) of one zone and product. Ceilings are the most the buyer pays, and what unmet need is worth."""

    class State(models.TextChoices):
        """OPEN -> CLEARED, EMPTY (closed with nothing taken) or CANCELLED."""

        OPEN = "OPEN", "Open"
        CLEARED = "CLEARED", "Cleared"
        EMPTY = "EMPTY", "Closed, nothing taken"
        CANCELLED = "CANCELLED", "Cancelled"

    class Pricing(models.TextChoices):
        """What a bid that is taken is paid."""

        AS_BID = "PAY_AS_BID", "Pay as bid"
        AS_CLEAR = "PAY_AS_CLEAR", "Pay as clear"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="tenders")
    name = models.CharField(max_length=120)
    product = models.CharField(max_length=60)
    direction = models.CharField(max_length=8, choices=Offer.Direction.choices, default=Offer.Direction.TURN_DOWN)
    gsp_group = models.CharField(max_length=2, help_text="GSP group, for example _A")
    gsp_zone = models.CharField(max_length=40, blank=True, help_text="Grid supply point; empty for the whole group")
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    pricing = models.CharField(max_length=12, choices=Pricing.choices, default=Pricing.AS_BID)
    ceiling_gbp_per_kwh = models.DecimalField(max_digits=10, decimal_places=4)
    ceiling_availability_gbp_per_mw_h = models.DecimalField(max_digits=10, decimal_places=4, default=0)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    clearing_price_gbp_per_kwh = models.DecimalField(max_digits=10, decimal_places=4, null=True, blank=True)
    clearing = models.JSONField(default=dict, help_text="How it was cleared: proved, bound, nodes")
    cancel_reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(closes_at__lt=models.F("start_at"), start_at__lt=models.F("end_at")),
                name="tender_closes_before_its_need_begins",
            ),
            models.CheckConstraint(
                condition=models.Q(ceiling_gbp_per_kwh__gte=0, ceiling_availability_gbp_per_mw_h__gte=0),
                name="tender_ceilings_are_not_negative",
            ),
        ]
        indexes = [models.Index(fields=["state", "closes_at"])]


class TenderPeriod(models.Model):
    """One settlement period of a need, and how much of it was met at closing. Power is kW."""

    tender = models.ForeignKey(Tender, models.CASCADE, related_name="periods")
    start_at = models.DateTimeField()
    needed_kw = models.DecimalField(max_digits=12, decimal_places=3)
    taken_kw = models.DecimalField(max_digits=12, decimal_places=3, default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tender", "start_at"], name="one_row_per_tender_and_period"),
            models.CheckConstraint(condition=models.Q(needed_kw__gte=0), name="needed_kw_is_not_negative"),
        ]


class Bid(models.Model):
    """What a site would deliver of a need in every half hour of its offer: from `least_kw` to `kw`, at its prices."""

    class State(models.TextChoices):
        """OFFERED -> TAKEN, REFUSED with the reason, or WITHDRAWN before closing."""

        OFFERED = "OFFERED", "Offered"
        TAKEN = "TAKEN", "Taken"
        REFUSED = "REFUSED", "Not taken"
        WITHDRAWN = "WITHDRAWN", "Withdrawn"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tender = models.ForeignKey(Tender, models.PROTECT, related_name="bids")
    offer = models.ForeignKey(Offer, models.PROTECT, related_name="bids")
    kw = models.DecimalField(max_digits=12, decimal_places=3)
    least_kw = models.DecimalField(max_digits=12, decimal_places=3, default=0)
    utilisation_price_gbp_per_kwh = models.DecimalField(max_digits=10, decimal_places=4)
    availability_price_gbp_per_mw_h = models.DecimalField(max_digits=10, decimal_places=4, default=0)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OFFERED)
    taken_kw = models.DecimalField(max_digits=12, decimal_places=3, default=0)
    reason = models.TextField(blank=True, help_text="Why it was not taken")
    order = models.OneToOneField(Order, models.PROTECT, null=True, blank=True, related_name="bid")
    placed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["offer"], condition=models.Q(state="OFFERED"), name="an_offer_stands_in_one_bid_at_a_time"
            ),
            models.CheckConstraint(
                condition=models.Q(kw__gt=0, least_kw__gte=0, least_kw__lte=models.F("kw")),
                name="bid_holds_at_least_what_it_must",
            ),
            models.CheckConstraint(
                condition=models.Q(utilisation_price_gbp_per_kwh__gte=0, availability_price_gbp_per_mw_h__gte=0),
                name="bid_prices_are_not_negative",
            ),
        ]
