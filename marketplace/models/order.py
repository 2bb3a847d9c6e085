"""Orders as the seller holds them, and purchases: the buyer's own record of the same deals.

Both sides may live in one database or in two; they only ever meet through Beckn messages.
"""

from __future__ import annotations

import uuid

from django.db import models

from marketplace.models.offer import Offer
from marketplace.models.organisation import Organisation
from marketplace.rules.order_state import ActivationState, OrderState


class Order(models.Model):
    """A buyer's order against one offer. `id` is the Beckn contract id. `version` rises with each change."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    offer = models.ForeignKey(Offer, models.PROTECT, related_name="orders")
    buyer_subscriber_id = models.CharField(max_length=255)
    transaction_id = models.UUIDField(unique=True)
    state = models.CharField(max_length=12, choices=[(s.value, s.value.title()) for s in OrderState])
    version = models.PositiveIntegerField(default=1)
    utilisation_price_gbp_per_kwh = models.DecimalField(max_digits=10, decimal_places=4)
    shortfall_penalty_gbp_per_kwh = models.DecimalField(max_digits=10, decimal_places=4)
    availability_price_gbp_per_mw_h = models.DecimalField(max_digits=10, decimal_places=4, default=0)
    quote_pence = models.BigIntegerField()
    terms_digest = models.CharField(max_length=64)
    quote_expires_at = models.DateTimeField()
    created_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    free_cancellation_until = models.DateTimeField(null=True, blank=True)
    cancellation_fee_pence = models.BigIntegerField(default=0, help_text="What cancelling costs after that")
    cancellation_charged_pence = models.BigIntegerField(null=True, blank=True, help_text="What cancelling did cost")
    approve_by = models.DateTimeField(null=True, blank=True, help_text="Until when the seller may say yes")
    waits_because = models.CharField(max_length=200, blank=True, help_text="Why it waited; the seller's own")
    refused_because = models.CharField(max_length=200, blank=True, help_text="Why it was not sold, as the buyer reads")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(quote_pence__gte=0), name="order_quote_is_not_negative"),
            models.CheckConstraint(
                condition=models.Q(cancellation_fee_pence__gte=0, cancellation_fee_pence__lte=models.F("quote_pence")),
                name="cancellation_fee_is_at_most_the_quote",
            ),
            models.CheckConstraint(
                condition=models.Q(cancellation_charged_pence__isnull=True)
                | models.Q(cancellation_charged_pence=0)
                | models.Q(cancellation_charged_pence=models.F("cancellation_fee_pence")),
                name="cancelling_costs_the_agreed_fee_or_nothing",
            ),
        ]
        indexes = [models.Index(fields=["state", "-created_at"])]


class OrderPeriod(models.Model):
    """What one order bought in one settlement period, in kW."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="periods")
    start_at = models.DateTimeField()
    ordered_kw = models.DecimalField(max_digits=12, decimal_places=3)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "start_at"], name="one_row_per_order_and_period"),
            models.CheckConstraint(condition=models.Q(ordered_kw__gt=0), name="ordered_kw_is_positive"),
        ]


class Purchase(models.Model):
    """The buyer's record: what was searched, quoted, ordered and delivered, as the seller's messages told us."""

    class State(models.TextChoices):
        """The buyer's view; *ING states wait for the seller's callback."""

        QUOTING = "QUOTING", "Waiting for a quote"
        QUOTED = "QUOTED", "Quoted"
        INITIALISING = "INITIALISING", "Waiting for terms"
        INITIALISED = "INITIALISED", "Terms agreed"
        CONFIRMING = "CONFIRMING", "Waiting for confirmation"
        CONFIRMED = "CONFIRMED", "Confirmed"
        DISPATCHING = "DISPATCHING", "Waiting for acceptance"
        ACTIVE = "ACTIVE", "Dispatched"
        DELIVERED = "DELIVERED", "Delivered"
        SETTLED = "SETTLED", "Settled"
        CANCELLED = "CANCELLED", "Cancelled"
        REFUSED = "REFUSED", "Refused"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="purchases")
    transaction_id = models.UUIDField(unique=True)
    seller_subscriber_id = models.CharField(max_length=255)
    offer_id = models.CharField(max_length=255)
    resource_id = models.CharField(max_length=255)
    offer_name = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=12, choices=State.choices)
    contract_id = models.CharField(max_length=64, blank=True)
    direction = models.CharField(
        max_length=10, blank=True, help_text="REDUCE or INCREASE, as the catalogue said; empty where it was not kept"
    )
    requested_kw = models.DecimalField(max_digits=12, decimal_places=3)
    start_at = models.DateTimeField(null=True, blank=True)
    end_at = models.DateTimeField(null=True, blank=True)
    quote_pence = models.BigIntegerField(null=True, blank=True)
    contract = models.JSONField(default=dict, help_text="The seller's latest contract object, as received")
    refusal = models.JSONField(default=dict, help_text="{code, message} of the last refusal")
    answers = models.JSONField(
        default=dict, help_text="The seller's last on_track, on_rate and on_support: {message, error, received_at} each"
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()


class SearchResult(models.Model):
    """The catalogue a discover brought back for a grid operator, newest per transaction."""

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="search_results")
    transaction_id = models.UUIDField(unique=True)
    catalogs = models.JSONField(null=True, blank=True)
    refusal = models.JSONField(
        default=dict, blank=True, help_text="{code, message} if the network would not, or could not be asked"
    )
    requested_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)


class Activation(models.Model):
    """One dispatch under an order. `instruction_id` is the buyer's id for it, unique within the order."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="activations")
    instruction_id = models.CharField(max_length=120)
    mechanism = models.CharField(max_length=10, default="P415")
    state = models.CharField(max_length=24, choices=[(s.value, s.value.title()) for s in ActivationState])
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    issued_at = models.DateTimeField()
    ack_by = models.DateTimeField()
    responded_at = models.DateTimeField(null=True, blank=True)
    refused_because = models.CharField(max_length=400, blank=True, help_text="Why it gave way to another instruction")
    replan = models.ForeignKey("marketplace.Plan", models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order", "instruction_id"], name="one_activation_per_order_and_instruction"
            ),
        ]


class ActivationPeriod(models.Model):
    """The power instructed in one settlement period, and the most the site may draw to deliver it, in kW."""

    activation = models.ForeignKey(Activation, models.CASCADE, related_name="periods")
    start_at = models.DateTimeField()
    requested_kw = models.DecimalField(max_digits=12, decimal_places=3)
    declared_kw = models.DecimalField(
        max_digits=12,
        decimal_places=3,
        help_text="Site power of the plan in force at dispatch: the load turned down from",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["activation", "start_at"], name="one_row_per_activation_and_period"),
        ]
