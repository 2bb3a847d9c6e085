"""Measure what an activation delivered, per settlement period, from what was known at a moment. It stores nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from flex_engine.quantities import Label
from flex_engine.settle.baseline import Baseline, BaselineError, clipped
from flex_engine.settle.delivery import MissingReadingError, PeriodDelivery, deliver, deviations
from flex_engine.settle.products import Product
from flex_engine.settle.registry import work_out
from flex_engine.timegrid import settlement_period
from marketplace.models import Activation, ActivationPeriod, MeterReading, Site, declared_event_days
from marketplace.rules.errors import MarketError
from marketplace.rules.order_state import ActivationState
from marketplace.usecases.judge_adjustment import judge_adjustment
from marketplace.usecases.nominate_baseline import nomination_of
from marketplace.wire.left import hosts_at, needed

LOOKBACK = timedelta(days=62)
LOOKAHEAD = timedelta(hours=2)  # how far past its event a baseline looks at most: before and after, with its gap


@dataclass(frozen=True, slots=True)
class Measured:
    """Baseline and delivery of each period, energy in Wh, and the newest reading of each that was known.

    `moved_wh` is the signed deviation of each period that is this dispatch's, positive for less import: what wholesale
    settlement moves. `facts` is what a statement tells of the baseline.
    """

    baseline: Baseline
    facts: Mapping[str, Any]
    lines: tuple[PeriodDelivery, ...]
    moved_wh: Mapping[datetime, int]
    readings: Mapping[datetime, MeterReading]

    @property
    def simulated(self) -> bool:
        """Whether any reading in the baseline's reach was made by a simulator."""
        return any(row.label == Label.SIMULATED for row in self.readings.values())


def measure_delivery(*, activation: Activation, product: Product, now: datetime) -> Measured:
    """Baseline and delivery of every instructed period from the readings known at `now`, under the product's cap.

    A baseline that was lifted by load moved into its window is used without its adjustment, and one beyond what the site
    can draw is cut to that; the facts say so. Raises MarketError READINGS_MISSING naming each period without a reading, or
    the days a baseline lacks.
    """
    site, direction = activation.order.offer.site, activation.order.offer.direction
    periods = list(activation.periods.order_by("start_at"))
    starts = [row.start_at for row in periods]
    latest = readings_known(activation, first=starts[0] - LOOKBACK, known_at=now)
    readings = {start: row.import_wh for start, row in latest.items()}
    metered = {start: readings[start] for start in starts if start in readings}
    instructed = {row.start_at: int(row.requested_kw * 500) for row in periods}
    others = instructed_beside(activation, starts)
    try:
        baseline, finding = baseline_of(activation, readings, starts, now=now)
        baseline = clipped(baseline, most_wh=int(site.import_limit_kw * 500))
        lines = deliver(
            instructed_wh=instructed,
            baseline_wh=baseline.periods,
            metered_wh=metered,
            direction=direction,  # type: ignore[arg-type]
            others_wh=others,
            cap_percent=product.cap_percent,
        )
    except (BaselineError, MissingReadingError) as problem:
        raise MarketError(
            "READINGS_MISSING", str(problem), fix="Send the missing readings; the activation then settles by itself."
        ) from problem
    moved = deviations(periods=starts, baseline_wh=baseline.periods, metered_wh=metered)
    shared = {start: share_of(wh, instructed[start], others.get(start, 0)) for start, wh in moved.items()}
    return Measured(baseline, baseline.facts() | finding, tuple(lines), shared, latest)


def share_of(moved_wh: int, instructed_wh: int, others_wh: int) -> int:
    """This dispatch's part of a deviation, in proportion to what was instructed, rounded down."""
    return moved_wh * instructed_wh // (instructed_wh + others_wh) if others_wh else moved_wh


def baseline_of(
    activation: Activation, readings: Mapping[datetime, int], starts: Sequence[datetime], *, now: datetime
) -> tuple[Baseline, dict[str, Any]]:
    """The baseline by the offer's method, without an adjustment that load was moved for, and what was found about that."""
    offer = activation.order.offer
    days = event_days(offer.site, besides=activation, known_at=now)
    baseline = work_out(
        offer.baseline_method,
        readings=readings,
        periods=starts,
        event_days=days,
        nomination=nomination_of(offer.site, starts, method=offer.baseline_method, now=now),
    )
    return judge_adjustment(activation=activation, baseline=baseline, readings=readings, event_days=days, now=now)


def readings_known(activation: Activation, *, first: datetime, known_at: datetime) -> dict[datetime, MeterReading]:
    """The newest reading known at `known_at` of each half hour from `first` to where a baseline may still look."""
    rows = MeterReading.objects.filter(
        site=activation.order.offer.site,
        start_at__gte=first,
        start_at__lt=activation.end_at + LOOKAHEAD,
        known_at__lte=known_at,
    ).order_by("known_at", "pk")
    return {row.start_at: row for row in rows}


def instructed_beside(activation: Activation, starts: Sequence[datetime]) -> dict[datetime, int]:
    """Energy in Wh that other dispatches of the same site and direction instructed in each of `starts`.

    A dispatch that this one shares its power with (co-delivery) takes nothing from it, and others' shared power counts once.
    """
    offer = activation.order.offer
    rows = ActivationPeriod.objects.filter(
        activation__order__offer__site=offer.site,
        activation__order__offer__direction=offer.direction,
        start_at__in=starts,
    ).exclude(activation=activation)
    hosts, order = hosts_at(offer.site_id, starts), activation.order_id
    found: dict[datetime, dict[UUID, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in rows.exclude(activation__state=ActivationState.REJECTED).select_related("activation"):
        other, here = row.activation.order_id, row.start_at
        if hosts.get((order, here)) != other and hosts.get((other, here)) != order:
            found[here][other] += row.requested_kw
    return {start: int(needed(kw, start, hosts) * 500) for start, kw in found.items()}


def event_days(site: Site, *, besides: Activation, known_at: datetime) -> set[date]:
    """Settlement days on which the site was dispatched, or that were declared by `known_at`: a like-day baseline leaves them out."""
    others = (
        Activation.objects.filter(order__offer__site=site)
        .exclude(pk=besides.pk)
        .exclude(state=ActivationState.REJECTED)
    )
    dispatched = {settlement_period(start)[0] for start in others.values_list("start_at", flat=True)}
    return dispatched | declared_event_days(site, known_at=known_at)
