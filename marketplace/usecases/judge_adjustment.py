"""Was load moved into the window a baseline is adjusted by? The meter is held against the plan declared before the sale.

The plan of the offer is the declaration. How far meter and plan usually lie apart is taken from days without an event,
each held against a plan made at least as long before. The finding goes into the statement's facts, also where there is none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from flex_engine.settle.baseline import Baseline
from flex_engine.settle.pull_forward import (
    DeclaredWindow,
    NoFindingError,
    WindowFinding,
    judge_window,
    window_rule,
    without_uplift,
)
from flex_engine.timegrid import HALF_HOUR, period_start, periods_in_day, settlement_period
from marketplace.models import Activation, Plan

REACH = timedelta(days=60)


def judge_adjustment(
    *,
    activation: Activation,
    baseline: Baseline,
    readings: Mapping[datetime, int],
    event_days: Collection[date],
    now: datetime,
) -> tuple[Baseline, dict[str, Any]]:
    """The baseline to settle by, and what was found about its window, JSON-safe; no facts without an adjustment.

    Plans made after `now` are not looked at.
    """
    if not baseline.window:
        return baseline, {}
    try:
        finding = judged(activation, baseline.window, readings, event_days, now=now)
    except (NoFindingError, ValueError) as why:
        return baseline, {"adjustment_finding": {"alarm": None, "sentence": f"The window was not judged: {why}"}}
    direction = activation.order.offer.direction
    used = without_uplift(baseline, direction=direction) if finding.alarm else baseline  # type: ignore[arg-type]
    return used, {"adjustment_finding": facts_of(finding)}


def judged(
    activation: Activation,
    window: Sequence[datetime],
    readings: Mapping[datetime, int],
    event_days: Collection[date],
    *,
    now: datetime,
) -> WindowFinding:
    """The finding about `window`. Raises NoFindingError or ValueError where it cannot be judged, and why."""
    order = activation.order
    plan = order.offer.plan
    declared = declared_wh(plan, window)
    if declared is None:
        raise NoFindingError(f"the plan of the offer begins at {plan.start_at:%Y-%m-%dT%H:%M}Z, within the window.")
    lead = min(window) - plan.created_at
    return judge_window(
        DeclaredWindow(declared, {start: readings[start] for start in window}, plan.created_at),
        controls=controls_of(plan, window, readings, event_days, lead=lead, now=now),
        sold_at=order.confirmed_at or order.created_at,
        event_periods=activation.periods.count(),
        rule=window_rule(day=settlement_period(min(window))[0]),
        direction=order.offer.direction,  # type: ignore[arg-type]
    )


def controls_of(
    plan: Plan,
    window: Sequence[datetime],
    readings: Mapping[datetime, int],
    event_days: Collection[date],
    *,
    lead: timedelta,
    now: datetime,
) -> list[DeclaredWindow]:
    """The same half hours of the days before without an event, each with the newest plan made at least `lead` before."""
    plans = Plan.objects.filter(site=plan.site_id, state=Plan.State.READY, created_at__lte=now).order_by("-created_at")
    reach = plans.filter(created_at__gte=min(window) - REACH - timedelta(days=7))
    day, _ = settlement_period(min(window))
    if reach.count() <= 1:
        return []
    found = []
    for back in range(1, REACH.days + 1):
        alike = same_half_hours(day - timedelta(days=back), window)
        if day - timedelta(days=back) in event_days or not all(start in readings for start in alike):
            continue
        latest = reach.filter(created_at__lte=min(alike) - lead).only("created_at", "start_at", "load_kw").first()
        declared = declared_wh(latest, alike) if latest else None
        if latest and declared and sum(declared.values()) > 0:
            found.append(DeclaredWindow(declared, {start: readings[start] for start in alike}, latest.created_at))
    return found


def same_half_hours(day: date, window: Sequence[datetime]) -> list[datetime]:
    """The settlement periods of `window` on another day, as far as that day has them."""
    numbers = [settlement_period(start)[1] for start in window]
    return [period_start(day, min(number, periods_in_day(day))) for number in numbers]


def declared_wh(plan: Plan, starts: Sequence[datetime]) -> dict[datetime, int] | None:
    """The energy the plan declares in each of `starts`, whole Wh; None where it does not cover them all."""
    slots = [int((start - plan.start_at) // HALF_HOUR) for start in starts]
    if min(slots) < 0 or max(slots) >= len(plan.load_kw):
        return None
    return {start: round(plan.load_kw[slot] * 500) for start, slot in zip(starts, slots, strict=True)}


def facts_of(finding: WindowFinding) -> dict[str, Any]:
    """The finding as a statement keeps it."""
    return {
        "alarm": finding.alarm,
        "sentence": finding.sentence(),
        "uplift_wh": finding.uplift_wh,
        "uplift": f"{finding.uplift:f}",
        "usual": f"{finding.usual:f}",
        "limit": f"{finding.limit:f}",
        "over_credit_wh": finding.over_credit_wh,
        "controls": finding.controls,
    }
