"""Position notifications and what the simulated counterparty made of them, and the sold half hours that need one.

One row is one file: unit, settlement period and revision. Positions are signed whole Wh, positive for less import.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import models

from marketplace.models.order import ActivationPeriod, OrderPeriod
from marketplace.models.site import Site
from marketplace.rules.notification import MECHANISM, Alarm, NotificationState, unit_of, wholesale_products
from marketplace.rules.order_state import ActivationState, OrderState

EARLIEST = datetime(2016, 1, 1, tzinfo=UTC)
OVER = (OrderState.CANCELLED, ActivationState.REJECTED)
SOLD = (OrderState.CONFIRMED, OrderState.ACTIVE, OrderState.DELIVERED, OrderState.SETTLED)


class PositionNotification(models.Model):
    """What is told of one unit in one settlement period. `content` is fixed when it is planned; 0 Wh takes a position back."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="notifications")
    unit = models.CharField(max_length=11, help_text="Secondary BM unit")
    start_at = models.DateTimeField()
    revision = models.PositiveIntegerField(default=1)
    position_wh = models.BigIntegerField(help_text="Positive: less import")
    state = models.CharField(max_length=11, choices=[(s.value, s.value.title()) for s in NotificationState])
    notify_by = models.DateTimeField(help_text="Five minutes before the gate")
    gate_closure_at = models.DateTimeField(help_text="The BSC's: an hour before the period")
    key = models.CharField(max_length=40, unique=True)
    content = models.BinaryField()
    content_sha256 = models.CharField(max_length=64)
    planned_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    exception_reason = models.CharField(max_length=80, blank=True)
    exception_at = models.DateTimeField(null=True, blank=True)
    alarm = models.CharField(max_length=9, blank=True, choices=[(a.value, a.value.title()) for a in Alarm])
    alarm_at = models.DateTimeField(null=True, blank=True)
    label = models.CharField(max_length=10, default="SIMULATED", help_text="Nothing is sent to a real counterparty")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["unit", "start_at", "revision"], name="one_file_per_unit_period_revision"),
            models.UniqueConstraint(
                fields=["unit", "start_at"],
                condition=models.Q(state="PLANNED"),
                name="one_planned_file_per_unit_period",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["PLANNED", "MISSED", "WITHDRAWN"], sent_at__isnull=True)
                | models.Q(state__in=["SENT", "UNCONFIRMED", "EXCEPTION"], sent_at__isnull=False),
                name="what_went_out_has_its_moment",
            ),
        ]
        indexes = [models.Index(fields=["state", "gate_closure_at"]), models.Index(fields=["start_at"])]


class PositionHeld(models.Model):
    """What the counterparty says it holds of a unit and period. Without a period it named the unit alone."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="positions_held")
    unit = models.CharField(max_length=11)
    start_at = models.DateTimeField(null=True, blank=True)
    position_wh = models.BigIntegerField(null=True, blank=True)
    counterparty = models.CharField(max_length=20, default="ECVAA")
    label = models.CharField(max_length=10, default="SIMULATED")
    reported_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["counterparty", "unit", "start_at"], name="one_report_per_unit_and_period")
        ]


@dataclass(frozen=True, slots=True)
class SoldPeriod:
    """What one order or dispatch sold in one half hour. `ref` names it; a cancelled one keeps its rows."""

    ref: str
    site_id: int
    start: datetime
    position_wh: int
    is_cancelled: bool

    @property
    def unit(self) -> str:
        """The unit it is sold from."""
        return unit_of(self.site_id)


def sold_periods(
    *, since: datetime, until: datetime | None = None, site_ids: Collection[int] | None = None
) -> Iterator[SoldPeriod]:
    """Every half hour from `since` (to before `until`) sold as P415. Energy is rounded as settlement does, to whole Wh."""
    orders, dispatches = sold_rows()
    for rows, kind, way, power in (
        (orders, "order", "order", "ordered_kw"),
        (dispatches, "activation", "activation__order", "requested_kw"),
    ):
        rows = rows.filter(start_at__gte=since)
        if until is not None:
            rows = rows.filter(start_at__lt=until)
        if site_ids is not None:
            rows = rows.filter(**{f"{way}__offer__site__in": site_ids})
        told = (f"{kind}_id", f"{way}__offer__site_id", "start_at", power, f"{way}__offer__direction", f"{kind}__state")
        for pk, site_id, start, kw, direction, state in rows.order_by("start_at", "pk").values_list(*told):
            wh = int(kw * 500) if direction == "REDUCE" else -int(kw * 500)
            yield SoldPeriod(f"{kind}:{pk}", site_id, start, wh, state in OVER)


def sold_rows() -> tuple[models.QuerySet[OrderPeriod], models.QuerySet[ActivationPeriod]]:
    """Whole orders of a wholesale product, and dispatches that name the mechanism under any other product.

    A dispatch is stored when it is accepted, so one that is refused now was stood down. Before 2016 no gate is known.
    """
    wholesale, states = wholesale_products(), [*SOLD, OrderState.CANCELLED]
    orders = OrderPeriod.objects.filter(
        start_at__gte=EARLIEST,
        order__offer__product__in=wholesale,
        order__confirmed_at__isnull=False,
        order__state__in=states,
    )
    dispatches = ActivationPeriod.objects.filter(start_at__gte=EARLIEST, activation__mechanism=MECHANISM)
    return orders, dispatches.exclude(activation__order__offer__product__in=wholesale)
