"""Disputes over settlement statements: who claims what and why, and every step until it is decided.

A dispute never changes a statement. Where it is right, a new statement that supersedes the disputed one is worked out, and
the dispute points to it.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from marketplace.models.order import Order, Purchase
from marketplace.models.organisation import Organisation
from marketplace.models.settlement import SettlementStatement, StatementLine
from marketplace.rules.dispute import ClaimUnit, DisputeState, DisputeStep, ReasonCode, Side


class Dispute(models.Model):
    """One claim against one statement, or against some of its lines: none named means the whole of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    statement = models.ForeignKey(SettlementStatement, models.PROTECT, related_name="disputes")
    lines = models.ManyToManyField(StatementLine, related_name="disputes", blank=True)
    opened_by = models.ForeignKey(
        Organisation,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="disputes",
        help_text="None for a buyer elsewhere, whom the order names",
    )
    side = models.CharField(max_length=6, choices=[(one.value, one.value.title()) for one in Side])
    reason = models.CharField(max_length=30, choices=[(one.value, one.value) for one in ReasonCode])
    unit = models.CharField(max_length=5, choices=[(one.value, one.value) for one in ClaimUnit])
    stated_value = models.BigIntegerField(help_text="What the disputed part comes to in the statement, in `unit`")
    claimed_value = models.BigIntegerField(help_text="What it should come to, in `unit`: pence, or eligible Wh")
    difference_pence = models.BigIntegerField(
        help_text="Claimed less stated, at the order's rates; the money in dispute"
    )
    digest = models.CharField(max_length=64, help_text="SHA-256 of the claim: the same dispute opened twice is one")
    state = models.CharField(max_length=9, choices=[(one.value, one.value.title()) for one in DisputeState])
    answer_agrees = models.BooleanField(null=True, blank=True)
    opened_at = models.DateTimeField()
    response_due_at = models.DateTimeField()
    decision_due_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    amended_by = models.ForeignKey(SettlementStatement, models.PROTECT, null=True, blank=True, related_name="amends")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["statement", "side", "digest"], name="one_dispute_per_statement_and_claim"),
            models.CheckConstraint(
                condition=models.Q(state="AMENDED", amended_by__isnull=False)
                | (~models.Q(state="AMENDED") & models.Q(amended_by__isnull=True)),
                name="an_amended_dispute_names_its_new_statement",
            ),
        ]
        indexes = [models.Index(fields=["state", "-opened_at"])]


class DisputeEntry(models.Model):
    """One step of a dispute, opening it included: who took it, in which words, on which evidence. Never changed."""

    OPENED = "OPEN"

    dispute = models.ForeignKey(Dispute, models.CASCADE, related_name="entries")
    step = models.CharField(
        max_length=8, choices=[(OPENED, "Open"), *((s.value, s.value.title()) for s in DisputeStep)]
    )
    side = models.CharField(max_length=6, choices=[(one.value, one.value.title()) for one in Side])
    organisation = models.ForeignKey(
        Organisation,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="None for a buyer elsewhere",
    )
    words = models.CharField(max_length=1000)
    evidence_reference = models.CharField(max_length=200, blank=True)
    evidence_sha256 = models.CharField(max_length=64, blank=True)
    agrees = models.BooleanField(null=True, blank=True, help_text="Of an answer: whether it agrees with the claim")
    facts = models.JSONField(default=dict, blank=True, help_text="Of an amendment: the inputs that were corrected")
    at = models.DateTimeField()


def other_is_here(dispute: Dispute) -> bool:
    """Whether the party that did not open it can answer for itself: the seller always, a buyer who is on this installation."""
    return dispute.side == Side.BUYER or buyer_of(dispute.statement.order) is not None


def opener_of(dispute: Dispute) -> str:
    """The name of whoever opened it: an organisation, or the subscriber id of a buyer elsewhere."""
    return dispute.opened_by.name if dispute.opened_by else dispute.statement.order.buyer_subscriber_id


def side_of(order: Order, organisation: Organisation | None) -> Side | None:
    """The side of `order` that `organisation` is on; None for somebody who is no party of it."""
    if organisation is None:
        return None
    if order.offer.site.organisation_id == organisation.pk:
        return Side.SELLER
    return Side.BUYER if organisation == buyer_of(order) else None


def buyer_of(order: Order) -> Organisation | None:
    """The organisation of this installation that bought `order`; None for a buyer elsewhere.

    Both ids must fit: the transaction is one that it began, and the order's verified sender is our own participant.
    """
    if order.buyer_subscriber_id != settings.BECKN_PARTICIPANTS["bap"]["subscriber_id"]:
        return None
    bought = Purchase.objects.filter(transaction_id=order.transaction_id).select_related("organisation").first()
    return bought.organisation if bought else None
