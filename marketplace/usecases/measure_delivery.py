"""Measure what an activation delivered, per settlement period, from what was known at a moment. It stores nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flex_engine.quantities import Label
from flex_engine.settle.baseline import Baseline, BaselineError
from flex_engine.settle.delivery import MissingReadingError, PeriodDelivery, deliver
from flex_engine.settle.registry import work_out
from flex_engine.timegrid import settlement_period
from marketplace.models import Activation, ActivationPeriod, MeterReading, Site, declared_event_days
from marketplace.rules.errors import MarketError
from marketplace.rules.order_state import ActivationState
from marketplace.usecases.nominate_baseline import nomination_of

LOOKBACK = timedelta(days=62)


@dataclass(frozen=True, slots=True)
class Measured:
    """Baseline and delivery of each period, energy in Wh, and the newest reading of each that was known."""

    baseline: Baseline
    lines: tuple[PeriodDelivery, ...]
    readings: Mapping[datetime, MeterReading]

    @property
    def label(self) -> Label:
        """SIMULATED when any reading of the baseline's reach was."""
        simulated = any(row.label == Label.SIMULATED for row in self.readings.values())
        return Label.SIMULATED if simulated else Label.MEASURED


def measure_delivery(*, activation: Activation, now: datetime) -> Measured:
    """Baseline and delivery of every instructed period from the readings known at `now`.

    Raises MarketError READINGS_MISSING naming each period without one, or the days a baseline lacks.
    """
    order = activation.order
    periods = list(activation.periods.order_by("start_at"))
    starts = [row.start_at for row in periods]
    latest = readings_known(activation, first=starts[0] - LOOKBACK, known_at=now)
    readings = {start: row.import_wh for start, row in latest.items()}
    try:
        baseline = work_out(
            order.offer.baseline_method,
            readings=readings,
            periods=starts,
            nomination=nomination_of(order.offer.site, starts, method=order.offer.baseline_method, now=now),
            event_days=event_days(order.offer.site, besides=activation, known_at=now),
        )
        lines = deliver(
            instructed_wh={row.start_at: int(row.requested_kw * 500) for row in periods},
            baseline_wh=baseline.periods,
            metered_wh={start: readings[start] for start in starts if start in readings},
            direction=order.offer.direction,  # type: ignore[arg-type]
            others_wh=instructed_beside(activation, starts),
        )
    except (BaselineError, MissingReadingError) as problem:
        raise MarketError(
            "READINGS_MISSING", str(problem), fix="Send the missing readings; the activation then settles by itself."
        ) from problem
    return Measured(baseline, tuple(lines), latest)


def readings_known(activation: Activation, *, first: datetime, known_at: datetime) -> dict[datetime, MeterReading]:
    """The newest reading known at `known_at` of each half hour from `first` to the end of the activation."""
    rows = MeterReading.objects.filter(
        site=activation.order.offer.site, start_at__gte=first, start_at__lt=activation.end_at, known_at__lte=known_at
    ).order_by("known_at", "pk")
    return {row.start_at: row for row in rows}


def instructed_beside(activation: Activation, starts: Sequence[datetime]) -> dict[datetime, int]:
    """Energy in Wh that other dispatches of the same site and direction instructed in each of `starts`."""
    offer = activation.order.offer
    rows = ActivationPeriod.objects.filter(
        activation__order__offer__site=offer.site,
        activation__order__offer__direction=offer.direction,
        start_at__in=starts,
    ).exclude(activation=activation)
    found: Counter[datetime] = Counter()
    for row in rows.exclude(activation__state=ActivationState.REJECTED):
        found[row.start_at] += int(row.requested_kw * 500)
    return dict(found)


def event_days(site: Site, *, besides: Activation, known_at: datetime) -> set[date]:
    """Settlement days on which the site was dispatched, or that were declared by `known_at`: a like-day baseline leaves them out."""
    others = (
        Activation.objects.filter(order__offer__site=site)
        .exclude(pk=besides.pk)
        .exclude(state=ActivationState.REJECTED)
    )
    dispatched = {settlement_period(start)[0] for start in others.values_list("start_at", flat=True)}
    return dispatched | declared_event_days(site, known_at=known_at)
