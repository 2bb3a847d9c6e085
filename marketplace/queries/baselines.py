"""The baseline page of a site: the methods there are, and what is nominated for the days ahead beside what is planned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from flex_engine.settle.registry import BaselineMethod, methods, nomination_deadline
from flex_engine.timegrid import HALF_HOUR, floor_half_hour, period_start, periods_in_day, settlement_period
from marketplace.models import BaselineNomination, Plan, Site
from marketplace.queries.exports import utc_text
from marketplace.queries.sites import current_plan

METHOD = "nominated-v1"
AHEAD = 8  # settlement days shown, today's included: as far as a plan reaches
HEADER = ("settlement_date", "settlement_period", "start_utc", "nominated_wh", "received_at_utc", "plan")


@dataclass(frozen=True, slots=True)
class NominationDay:
    """One settlement day. Energy in kWh; `planned_kwh` is None where the plan does not cover the whole day.

    `said` of its `periods` half hours are nominated in time.
    """

    day: date
    start: datetime
    periods: int
    deadline: datetime
    is_open: bool
    said: int
    nominated_kwh: Decimal | None
    received_at: datetime | None
    planned_kwh: Decimal | None

    @property
    def can_nominate(self) -> bool:
        """Whether the plan's load can be nominated for it now."""
        return self.is_open and self.planned_kwh is not None


@dataclass(frozen=True, slots=True)
class BaselinePage:
    """Methods and days. `plan_at` is when the plan in force was made, None without one."""

    methods: tuple[BaselineMethod, ...]
    days: tuple[NominationDay, ...]
    plan_at: datetime | None


def baseline_page(site: Site, now: datetime) -> BaselinePage:
    """What can be nominated at `now`, and what was."""
    plan = current_plan(site)
    today = settlement_period(floor_half_hour(now))[0]
    days = [today + timedelta(days=i) for i in range(AHEAD)]
    rows = in_time(site, days[0], days[-1])
    return BaselinePage(
        methods(), tuple(one_day(day, rows, plan, now) for day in days), plan.created_at if plan else None
    )


def in_time(site: Site, first: date, last: date) -> dict[datetime, BaselineNomination]:
    """The newest nomination of each half hour of the settlement days `first` to `last` that came before its deadline."""
    begin, end = period_start(first, 1), period_start(last + timedelta(days=1), 1)
    rows = BaselineNomination.objects.filter(site=site, start_at__gte=begin, start_at__lt=end)
    found: dict[datetime, BaselineNomination] = {}
    for row in rows.order_by("received_at", "pk"):
        deadline = nomination_deadline(METHOD, settlement_period(row.start_at)[0])
        if deadline is not None and row.received_at <= deadline:
            found[row.start_at] = row
    return found


def one_day(day: date, rows: dict[datetime, BaselineNomination], plan: Plan | None, now: datetime) -> NominationDay:
    """The line of one settlement day."""
    start, count = period_start(day, 1), periods_in_day(day)
    said = [rows[at] for at in (start + i * HALF_HOUR for i in range(count)) if at in rows]
    deadline = nomination_deadline(METHOD, day)
    assert deadline is not None, "METHOD is nominated"
    return NominationDay(
        day=day,
        start=start,
        periods=count,
        deadline=deadline,
        is_open=now <= deadline,
        said=len(said),
        nominated_kwh=Decimal(sum(row.import_wh for row in said)) / 1000 if said else None,
        received_at=max((row.received_at for row in said), default=None),
        planned_kwh=planned_kwh(plan, start, count),
    )


def planned_kwh(plan: Plan | None, start: datetime, count: int) -> Decimal | None:
    """The plan's energy in `count` half hours from `start`, None where it does not cover them all."""
    if plan is None:
        return None
    first = int((start - plan.start_at) / HALF_HOUR)
    if start < plan.start_at or first + count > len(plan.load_kw):
        return None
    return Decimal(str(sum(plan.load_kw[first : first + count]))) / 2


def nomination_export(site: Site, now: datetime) -> Iterator[list[object]]:
    """The rows under HEADER of what is nominated for the days shown."""
    today = settlement_period(floor_half_hour(now))[0]
    for start, row in sorted(in_time(site, today, today + timedelta(days=AHEAD - 1)).items()):
        day, period = settlement_period(start)
        yield [day, period, utc_text(start), row.import_wh, utc_text(row.received_at), row.plan_id or ""]
