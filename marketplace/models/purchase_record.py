"""What a seller told the buyer of a delivery, as the buyer's own record: readings by half hour, settlements, disputes over them.

Bitemporal: valid time is the half hour, `known_at` is when it reached us on the market's clock. `told_at` is when the seller
made the message, on its own clock, and says which of two messages that overtook each other is the later word. Rows are only ever added. What stands is what was told last, whichever order the messages came in.
"""

from __future__ import annotations

import uuid

from django.db import models

from marketplace.models.order import Purchase
from marketplace.rules.dispute import ClaimUnit, ReasonCode


class PurchaseReading(models.Model):
    """Baseline and metered energy of [start_at, start_at + 30 min) at one meter, in Wh, as the seller reported it."""

    purchase = models.ForeignKey(Purchase, models.CASCADE, related_name="readings")
    instruction_id = models.CharField(max_length=120, help_text="The dispatch it is about, by the seller's eventId")
    meter_id = models.CharField(max_length=120)
    start_at = models.DateTimeField()
    baseline_wh = models.BigIntegerField(null=True, blank=True)
    metered_wh = models.BigIntegerField(null=True, blank=True, help_text="None while only a baseline was published")
    methodology = models.CharField(max_length=80, help_text="How the seller says the baseline was made")
    source = models.CharField(max_length=255, help_text="The seller's subscriber id")
    told_at = models.DateTimeField()
    known_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(baseline_wh__isnull=False) | models.Q(metered_wh__isnull=False),
                name="a_reported_half_hour_says_something",
            ),
        ]
        indexes = [models.Index(fields=["purchase", "start_at"])]


class PurchaseSettlement(models.Model):
    """A settlement of a purchase as the seller told it; told again with its proof, it is another row of the same id."""

    purchase = models.ForeignKey(Purchase, models.CASCADE, related_name="settlements")
    settlement_id = models.CharField(max_length=120)
    supersedes = models.CharField(max_length=120, blank=True)
    amount_pence = models.BigIntegerField(null=True, blank=True, help_text="What the seller says the buyer pays")
    eligible_wh = models.BigIntegerField(null=True, blank=True)
    entry = models.JSONField(help_text="The settlements[] entry as received")
    source = models.CharField(max_length=255, help_text="The seller's subscriber id")
    told_at = models.DateTimeField()
    known_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["purchase", "-told_at"])]


class PurchaseDispute(models.Model):
    """A claim of ours against a settlement of a seller elsewhere. Its id is the claimId that the seller sends back."""

    class State(models.TextChoices):
        """SENT waits for the seller; REFUSED was not taken; the others are the seller's word on it."""

        SENT = "SENT", "Waiting for the seller"
        REFUSED = "REFUSED", "Not taken"
        OPEN = "OPEN", "Open"
        ANSWERED = "ANSWERED", "Answered"
        ESCALATED = "ESCALATED", "Escalated"
        UPHELD = "UPHELD", "Settlement upheld"
        AMENDED = "AMENDED", "Amended"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    purchase = models.ForeignKey(Purchase, models.CASCADE, related_name="disputes")
    settlement_id = models.CharField(max_length=120)
    reason = models.CharField(max_length=30, choices=[(one.value, one.value) for one in ReasonCode])
    unit = models.CharField(max_length=5, choices=[(one.value, one.value) for one in ClaimUnit])
    claimed_value = models.BigIntegerField()
    periods = models.JSONField(
        default=list, blank=True, help_text="[{settlementDate, settlementPeriod}]; none is the whole"
    )
    words = models.CharField(max_length=1000)
    evidence_reference = models.CharField(max_length=200, blank=True)
    evidence_sha256 = models.CharField(max_length=64, blank=True)
    message_id = models.UUIDField(help_text="Of the newest message about it; the answer carries the same")
    state = models.CharField(max_length=9, choices=State.choices, default=State.SENT)
    dispute_id = models.CharField(max_length=120, blank=True, help_text="The seller's id, once it is open there")
    said = models.JSONField(default=dict, blank=True, help_text="The seller's newest FlexDispute about it, as received")
    refusal = models.JSONField(default=dict, blank=True, help_text="{code, message} of the last refusal")
    told_at = models.DateTimeField(null=True, blank=True, help_text="When the seller said so, on its clock")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["purchase", "created_at"])]


def standing_settlement(purchase: Purchase) -> PurchaseSettlement | None:
    """The settlement told last of those that no other one supersedes; None before the first."""
    rows = list(purchase.settlements.order_by("told_at", "known_at", "pk"))
    gone = {row.supersedes for row in rows if row.supersedes}
    return next((row for row in reversed(rows) if row.settlement_id not in gone), None)
