"""Estimate the readings an activation waits for, by the rule somebody chose. What is there is never touched.

The estimates are readings like others, flagged ESTIMATED, with the rule as their source; an actual reading that comes
later is a revision of them, and the statement follows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from flex_engine.quantities import Label
from flex_engine.settle.metering import HalfHour
from flex_engine.settle.metering_estimates import Estimate, EstimateError, Known, estimate
from flex_engine.timegrid import HALF_HOUR, floor_half_hour, half_hours
from marketplace.models import Activation, MeterReading, Site
from marketplace.rules.errors import MarketError
from marketplace.usecases.keep_readings import keep_readings
from marketplace.usecases.measure_delivery import event_days

# The in-day adjustment looks three hours back, from an hour before the event.
BEFORE = timedelta(hours=4)
# As far as any rule looks back for a like day, and a little more.
LOOKBACK = timedelta(days=30)
AHEAD = timedelta(hours=2)


def fill_gaps(*, activation: Activation, rule: str, standing: bool, now: datetime) -> int:
    """Estimate every missing half hour of the event and of the four hours before it; returns how many.

    A `standing` rule waits until a later half hour is known: until then a reading is late and not missing. Raises
    MarketError ESTIMATE_IMPOSSIBLE where the rule does not reach one of them; then none is estimated.
    """
    site = activation.order.offer.site
    with transaction.atomic():
        rows = newest_rows(site, activation, now=now)
        missing = missing_of(activation, rows, standing=standing, now=now)
        if not missing:
            return 0
        known = Known(
            {start: row.import_wh for start, row in rows.items() if row.quality == "ACTUAL"},
            event_days(site, besides=activation, known_at=now),
        )
        try:
            found = estimate(rule, missing=missing, known=known)
        except EstimateError as problem:
            raise MarketError(
                "ESTIMATE_IMPOSSIBLE", str(problem), fix="Choose another rule, or send the missing readings."
            ) from problem
        made_from = {one.start.isoformat(): [start.isoformat() for start in one.made_from] for one in found}
        return keep_readings(
            site=site,
            half_hours=[HalfHour(one.start, one.wh, "ESTIMATED") for one in found],
            source=rule,
            label=label_of(found, rows),
            facts={"instruction": activation.instruction_id, "standing": standing, "made_from": made_from},
            event="meter.estimated",
            now=now,
        )


def newest_rows(site: Site, activation: Activation, *, now: datetime) -> dict[datetime, MeterReading]:
    """The newest reading known at `now` of each half hour that a rule may look at."""
    rows = MeterReading.objects.filter(
        site=site,
        start_at__gte=activation.start_at - LOOKBACK,
        start_at__lt=activation.end_at + AHEAD,
        known_at__lte=now,
    ).order_by("known_at", "pk")
    return {row.start_at: row for row in rows}


def missing_of(
    activation: Activation, rows: dict[datetime, MeterReading], *, standing: bool, now: datetime
) -> list[datetime]:
    """Half hours that are over, that the settlement needs, and that nobody has sent."""
    begin = floor_half_hour(activation.start_at - BEFORE)
    needed = half_hours(begin, activation.end_at)
    last_known = max((start for start, row in rows.items() if row.quality == "ACTUAL"), default=None)
    return [
        start
        for start in needed
        if start not in rows
        and start + HALF_HOUR <= now
        and (not standing or (last_known is not None and start < last_known))
    ]


def label_of(found: Sequence[Estimate], rows: dict[datetime, MeterReading]) -> str:
    """SIMULATED as soon as one reading behind an estimate was."""
    used = {rows[start].label for one in found for start in one.made_from}
    return str(Label.SIMULATED if Label.SIMULATED in used else Label.MEASURED)
