"""Settlement statements: what an activation delivered and what it is paid, per settlement period, exact."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from django.db import models

from flex_engine.settle.payment import NOT_THE_BUYERS
from flex_engine.timegrid import HALF_HOUR, settlement_period
from marketplace.models.order import Activation, Order
from marketplace.models.organisation import Organisation


class SettlementStatement(models.Model):
    """One run of one dispatch, or of an order that none was under. A correction supersedes; a statement never changes.

    The statements of a dispatch are one chain, numbered by `sequence`: each supersedes the one before it. So are those of
    an order without `activation`: what it is paid for having stood ready, or for having been cancelled late. An order has
    the one or the other.
    """

    class Reason(models.TextChoices):
        """Why a statement was made."""

        RUN_DUE = "RUN_DUE", "The run was due"
        NEW_READINGS = "NEW_READINGS", "Meter readings were revised"
        NEW_PRICES = "NEW_PRICES", "Prices were revised"
        DISPUTE = "DISPUTE", "A dispute was right"
        CANCELLED = "CANCELLED", "The order was cancelled late"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, models.PROTECT, related_name="statements")
    activation = models.ForeignKey(
        Activation,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="statements",
        help_text="The dispatch that was settled; none where the order itself is",
    )
    start_at = models.DateTimeField(help_text="Start of the window that is settled")
    end_at = models.DateTimeField(help_text="Its end, exclusive")
    sequence = models.PositiveIntegerField(default=1, help_text="Number within the chain, from 1 on")
    run = models.CharField(max_length=2, default="II", help_text="II, SF, R1, R2, R3, RF or DF")
    version = models.PositiveIntegerField(default=1, help_text="Number within the run, from 1 on")
    supersedes = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="superseded_by")
    reason = models.CharField(max_length=12, choices=Reason.choices, default=Reason.RUN_DUE)
    knowledge_time = models.DateTimeField(help_text="Readings and prices known by then were used, and no others")
    baseline_method = models.CharField(max_length=40, blank=True, help_text="Empty where nothing was measured")
    baseline_facts = models.JSONField(default=dict, help_text="Days used, adjustment, window: enough to recompute")
    terms = models.JSONField(
        default=dict, help_text="Product, basis, tables, cap and rates the money was worked out by"
    )
    delivered_wh = models.BigIntegerField()
    eligible_wh = models.BigIntegerField()
    shortfall_wh = models.BigIntegerField()
    payment_pence = models.BigIntegerField()
    penalty_pence = models.BigIntegerField()
    amount_pence = models.BigIntegerField(
        help_text="payment - penalty, the sum of the components; positive: to the seller"
    )
    components = models.JSONField(
        default=list, help_text="[{type, description, pence, residual_gbp}] summing to the amount"
    )
    rounding = models.JSONField(
        default=list,
        help_text="[{account, before_gbp, before_odd, after_gbp}]: what rounding had left over before, and leaves over now",
    )
    delta_pence = models.BigIntegerField(
        null=True, blank=True, help_text="Amount less that of the statement it supersedes; none for the first"
    )
    vat = models.JSONField(default=dict, help_text="Net, VAT and gross pence of what the buyer pays, or why not")
    compensation = models.JSONField(default=list, help_text="What the supplier is compensated, beside the amount")
    carbon = models.JSONField(default=dict, help_text="kg, g/kWh, source, as_of and label, or why not")
    label = models.CharField(
        max_length=10,
        help_text="SIMULATED when any reading or price was, ESTIMATED when a settled half hour was, AGREED where nothing was "
        "metered, else MEASURED",
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["activation", "run", "version"], name="one_statement_per_activation_run_version"
            ),
            models.UniqueConstraint(fields=["activation", "sequence"], name="one_statement_per_activation_sequence"),
            models.UniqueConstraint(
                fields=["order", "run", "version"],
                condition=models.Q(activation__isnull=True),
                name="one_statement_per_order_run_version",
            ),
            models.UniqueConstraint(
                fields=["order", "sequence"],
                condition=models.Q(activation__isnull=True),
                name="one_statement_per_order_sequence",
            ),
            models.CheckConstraint(
                condition=models.Q(start_at__lt=models.F("end_at")), name="statement_window_ends_after_its_start"
            ),
            models.CheckConstraint(
                condition=models.Q(amount_pence=models.F("payment_pence") - models.F("penalty_pence")),
                name="statement_components_sum_to_the_amount",
            ),
            models.CheckConstraint(
                condition=models.Q(sequence=1, supersedes__isnull=True, delta_pence__isnull=True)
                | models.Q(sequence__gt=1, supersedes__isnull=False, delta_pence__isnull=False),
                name="all_but_the_first_statement_supersede",
            ),
        ]

    @property
    def buyer_pence(self) -> int:
        """What the buyer pays of the amount: all of it but the imbalance, which is settled at the system price."""
        return self.amount_pence - sum(part["pence"] for part in self.components if part["type"] in NOT_THE_BUYERS)


def standing_statement(order: Order, activation: Activation | None) -> SettlementStatement | None:
    """The statement that nothing supersedes, of a dispatch under `order` or, without one, of the order; None before its first."""
    return order.statements.filter(activation=activation).order_by("-sequence").first()


class RoundingAccount(models.Model):
    """What a seller was paid in all by one buyer, or by the market for imbalance, by the statements that stand.

    `residual_gbp` is the exact sum less `paid_pence`: half a penny at most. A statement locks it and carries it on.
    """

    class Payer(models.TextChoices):
        """Who pays."""

        BUYER = "BUYER", "A buyer"
        MARKET = "MARKET", "The market, for imbalance"

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="rounding_accounts")
    payer = models.CharField(max_length=6, choices=Payer.choices)
    counterparty = models.CharField(
        max_length=255, blank=True, help_text="The buyer's subscriber id; empty: the market"
    )
    paid_pence = models.BigIntegerField(default=0)
    residual_gbp = models.CharField(max_length=60, default="0", help_text="Exact GBP")
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "payer", "counterparty"], name="one_rounding_account_per_seller_and_payer"
            ),
        ]


@dataclass(frozen=True, slots=True)
class Held:
    """What one chain of statements settles, and its window [start_at, end_at) in UTC. Without an activation: the order.

    Use cases that settle lock its rows first.
    """

    order: Order
    activation: Activation | None
    start_at: datetime
    end_at: datetime

    @property
    def first_statement(self) -> SettlementStatement | None:
        """The first statement of the chain."""
        return self.order.statements.filter(activation=self.activation).order_by("sequence").first()

    @property
    def stands(self) -> SettlementStatement | None:
        """The statement that nothing supersedes."""
        return standing_statement(self.order, self.activation)

    @property
    def settlement_day(self) -> date:
        """The settlement day that its runs are due by."""
        return settlement_day(self.end_at)


def settlement_day(end_at: datetime) -> date:
    """The London day of the last period before `end_at`: when a run of it is due, every period before has that run."""
    return settlement_period(end_at - HALF_HOUR)[0]


def window_of(order: Order) -> tuple[datetime, datetime]:
    """From the first half hour that was ordered to the end of the last, in UTC."""
    span = order.periods.aggregate(first=models.Min("start_at"), last=models.Max("start_at"))
    return span["first"], span["last"] + HALF_HOUR


class StatementLine(models.Model):
    """One settlement period of a statement: energy in Wh, money in exact GBP as text, and the reading it rests on.

    The pay of a wholesale trade is what was sold; `imbalance` then holds what was left over or missing and the system price.
    """

    statement = models.ForeignKey(SettlementStatement, models.CASCADE, related_name="lines")
    start_at = models.DateTimeField()
    settlement_date = models.DateField()
    settlement_period = models.PositiveSmallIntegerField()
    instructed_wh = models.BigIntegerField()
    baseline_wh = models.BigIntegerField()
    metered_wh = models.BigIntegerField()
    delivered_wh = models.BigIntegerField()
    eligible_wh = models.BigIntegerField()
    shortfall_wh = models.BigIntegerField()
    price_gbp_per_kwh = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    ratio = models.DecimalField(
        max_digits=14, decimal_places=6, null=True, blank=True, help_text="Delivered share of the instruction"
    )
    scale = models.DecimalField(
        max_digits=8, decimal_places=6, null=True, blank=True, help_text="Share of the price that it earns"
    )
    pay_gbp = models.CharField(max_length=40, blank=True, help_text="Exact, before rounding")
    penalty_gbp = models.CharField(max_length=40, blank=True, help_text="Exact, before rounding")
    imbalance = models.JSONField(default=dict, help_text="{mwh, system_gbp_per_mwh, gbp, source, label, known_at}")
    reading_source = models.CharField(max_length=80, blank=True)
    reading_quality = models.CharField(max_length=10, blank=True)
    reading_label = models.CharField(max_length=10, blank=True)
    reading_known_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["statement", "start_at"], name="one_line_per_statement_and_period"),
        ]


class SettlementProgress(models.Model):
    """How far the settlement of a dispatch or an order has come: which run is next and when, and what is still to be told.

    The statements are the record and never change; this row is what the agent looks at to know what to do next.
    """

    order = models.ForeignKey(Order, models.PROTECT, related_name="settlement_progress")
    activation = models.OneToOneField(
        Activation, models.PROTECT, null=True, blank=True, related_name="settlement_progress"
    )
    next_run = models.CharField(max_length=2, blank=True, help_text="Empty once no run is to come")
    next_due_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(help_text="Readings and prices known by then have been compared")
    announced = models.ForeignKey(
        SettlementStatement,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The newest statement whose proof the buyer was sent",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order"], condition=models.Q(activation__isnull=True), name="one_progress_per_order_itself"
            ),
        ]
        indexes = [models.Index(fields=["next_due_at"])]
