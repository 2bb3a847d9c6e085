"""One settlement day of P415 sales from four sides: what was traded, notified, held by the counterparty and settled.

It reads the tables and lets flex_engine.settle.reconcile compare. The counterparty is simulated, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Max, Q

from flex_engine.settle.effective import NothingInForceError
from flex_engine.settle.reconcile import reconcile
from flex_engine.settle.reconcile_views import Accepted, Difference, Notified, Place, Row, Settled, Traded, Views
from flex_engine.settle.settlement_calendar import run_date, runs
from flex_engine.timegrid import day_start, floor_half_hour, settlement_period
from marketplace.models import (
    MeterReading,
    Order,
    PositionHeld,
    PositionNotification,
    SettlementStatement,
    Site,
    StatementLine,
    User,
    published_dates,
)
from marketplace.models.notification import sold_periods, sold_rows
from marketplace.queries.exports import utc_text
from marketplace.queries.visible import visible
from marketplace.rules.notification import MECHANISM, NotificationState, unit_of, wholesale_products

HEADER = (
    "site", "unit", "settlement_date", "settlement_period", "start_utc", "traded_wh", "notified_wh", "notification_state",
    "notified_utc", "exception", "held_wh", "held_reported_utc", "settled_wh", "run", "version", "delivered_wh",
    "cause", "sentence", "label", "as_of_utc",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for. No `day`: the newest with a sale. No `run`: the newest statement of each dispatch."""

    site: str = ""
    day: date | None = None
    run: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """The newest notification of a place, sent or not."""

    pk: int
    key: str
    state: str
    sent_at: datetime | None
    reason: str
    alarm: str
    may_resubmit: bool


@dataclass(frozen=True, slots=True)
class FourViews:
    """One half hour of one unit. Positions in Wh, positive for less import; None where a view has nothing."""

    site_name: str
    site: str
    unit: str
    start: datetime
    settlement_date: date
    settlement_period: int
    traded_wh: int | None
    notified_wh: int | None
    told: Told | None
    held_wh: int | None
    held_at: datetime | None
    settled_wh: int | None
    run: str
    version: int | None
    delivered_wh: int | None
    settled_label: str
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The day. `newest` is the last one with a sale, for a day that has none; `sites` are (slug, name) to choose from."""

    day: date
    as_of: datetime
    run: str
    rows: tuple[FourViews, ...]
    newest: date | None
    sites: tuple[tuple[str, str], ...]

    @property
    def differing(self) -> int:
        """Half hours with a difference."""
        return sum(1 for row in self.rows if row.differences)


@dataclass(frozen=True, slots=True)
class Lines:
    """Statement lines by place, and (run, version, delivered Wh, label) to show beside each."""

    settled: tuple[Settled, ...]
    shown: dict[Place, tuple[str, int, int, str]]


@dataclass(frozen=True, slots=True)
class Day:
    """The rows of one day: notifications by place in the order of revisions, and what is held by place."""

    traded: tuple[Traded, ...]
    told: tuple[PositionNotification, ...]
    held: dict[Place, PositionHeld]
    lines: Lines

    def views(self, due: datetime | None, unmetered: frozenset[Place]) -> Views:
        """The four views; statement lines are owed at `due`, and cannot be made where no reading is known."""
        return Views(
            self.traded,
            tuple(notified(row) for row in self.told if row.sent_at is not None),
            tuple(Accepted(row.unit, row.start_at, row.position_wh) for row in self.held.values()),
            self.lines.settled,
            accepted_at=max((row.reported_at for row in self.held.values()), default=None),
            settled_due={(one.unit, one.start): due for one in self.traded} if due else None,
            unmetered=unmetered,
        )


def reconciliation(user: User, filters: Filters, *, now: datetime) -> Reconciliation:
    """Everything of one day that `user` may see."""
    known = Site.objects.filter(pk__in=visible(Order, user).values("offer__site")).order_by("name")
    sites = {site.pk: site for site in known if filters.site in ("", site.slug)}
    newest = newest_day(list(sites))
    day = filters.day or newest or settlement_period(floor_half_hour(now))[0]
    found = day_of(list(sites), day, filters.run)
    due = settled_due(day, filters.run, now)
    gaps = unmetered(found, list(sites)) if due is not None and due <= now else frozenset()
    compared = reconcile(found.views(due, gaps), as_of=now)
    units = {unit_of(pk): site for pk, site in sites.items()}
    newest_told = {(row.unit, row.start_at): row for row in found.told}
    by_place = {(row.unit, row.start): row for row in compared}
    places = sorted(by_place.keys() | newest_told.keys(), key=lambda place: (place[1], place[0]))
    rows = tuple(
        four_views(place, units[place[0]], by_place.get(place), newest_told.get(place), found, now) for place in places
    )
    return Reconciliation(day, now, filters.run, rows, newest, tuple((site.slug, site.name) for site in known))


def newest_day(site_ids: list[int]) -> date | None:
    """The last settlement day on which these sites sold anything as P415."""
    orders, dispatches = sold_rows()
    last = [
        orders.filter(order__offer__site__in=site_ids).aggregate(last=Max("start_at"))["last"],
        dispatches.filter(activation__order__offer__site__in=site_ids).aggregate(last=Max("start_at"))["last"],
    ]
    found = [moment for moment in last if moment is not None]
    return settlement_period(max(found))[0] if found else None


def day_of(site_ids: list[int], day: date, run: str) -> Day:
    """The rows of `day` at sites whose orders the caller has found visible; what hangs on an order is so with it."""
    begins, ends = day_start(day), day_start(day + timedelta(days=1))
    span = {"site__in": site_ids, "start_at__gte": begins, "start_at__lt": ends}
    held = PositionHeld.objects.filter(**span)
    return Day(
        tuple(
            Traded(one.ref, one.unit, one.start, one.position_wh, one.is_cancelled)
            for one in sold_periods(since=begins, until=ends, site_ids=site_ids)
        ),
        tuple(PositionNotification.objects.filter(**span).defer("content").order_by("revision")),
        {(row.unit, row.start_at): row for row in held if row.start_at is not None},
        lines_of(site_ids, (begins, ends), run),
    )


def unmetered(found: Day, site_ids: list[int]) -> frozenset[Place]:
    """The sold half hours that stand in no statement and of which no reading is known."""
    open_ones = {(one.unit, one.start) for one in found.traded} - found.lines.shown.keys()
    if not open_ones:
        return frozenset()
    readings = MeterReading.objects.filter(site__in=site_ids, start_at__in={start for _, start in open_ones})
    known = {(unit_of(pk), start) for pk, start in readings.values_list("site_id", "start_at")}
    return frozenset(open_ones - known)


def notified(row: PositionNotification) -> Notified:
    """A notification that went out."""
    sent_at = row.sent_at or row.planned_at
    return Notified(row.key, row.unit, row.start_at, row.revision, row.position_wh, sent_at, row.exception_reason)


def lines_of(site_ids: list[int], span: tuple[datetime, datetime], run: str) -> Lines:
    """The lines of the statements of `run`, or of the newest of each dispatch; a replaced one says by what."""
    of_p415 = Q(statement__activation__mechanism=MECHANISM) | Q(
        statement__order__offer__product__in=wholesale_products()
    )
    rows = StatementLine.objects.filter(of_p415, statement__order__offer__site__in=site_ids)
    rows = rows.filter(start_at__gte=span[0], start_at__lt=span[1]).select_related("statement__order__offer")
    lines = list(rows.order_by("statement__sequence", "start_at"))
    newest = {line.statement.activation_id: line.statement for line in lines}
    wanted = {line.statement.activation_id: line.statement for line in lines if run in ("", line.statement.run)}
    settled: list[Settled] = []
    shown: dict[Place, tuple[str, int, int, str]] = {}
    for line in lines:
        statement = line.statement
        if wanted.get(statement.activation_id) != statement:
            continue
        settled.append(settled_line(line, statement, newest[statement.activation_id]))
        place = settled[-1].unit, line.start_at
        delivered = line.delivered_wh + (shown[place][2] if place in shown else 0)
        shown[place] = (statement.run, statement.version, delivered, statement.label)
    return Lines(tuple(settled), shown)


def settled_line(line: StatementLine, statement: SettlementStatement, newest: SettlementStatement) -> Settled:
    """A line as reconciliation sees it: what was instructed, with the offer's sign."""
    offer = statement.order.offer
    return Settled(
        f"activation:{statement.activation_id}",
        unit_of(offer.site_id),
        line.start_at,
        line.instructed_wh if offer.direction == "REDUCE" else -line.instructed_wh,
        statement.run,
        statement.version,
        replaced_by="" if newest.pk == statement.pk else f"{newest.run} version {newest.version}",
    )


def settled_due(day: date, run: str, now: datetime) -> datetime | None:
    """When a line of `run` (the first where none is named) is owed: the end of the day the run is due, if that is known."""
    try:
        due = run_date(day, run or runs()[0], published=published_dates(day, known_at=now))
    except NothingInForceError:
        return None
    return day_start(due.day + timedelta(days=1))


def four_views(
    place: Place, site: Site, row: Row | None, note: PositionNotification | None, found: Day, now: datetime
) -> FourViews:
    """One line of the page."""
    report, shown = found.held.get(place), found.lines.shown.get(place)
    day, period = settlement_period(place[1])
    return FourViews(
        site_name=site.name,
        site=site.slug,
        unit=place[0],
        start=place[1],
        settlement_date=day,
        settlement_period=period,
        traded_wh=row.traded_wh if row else None,
        notified_wh=note.position_wh if note else None,
        told=told_of(note, now) if note else None,
        held_wh=row.accepted_wh if row else None,
        held_at=report.reported_at if report else None,
        settled_wh=row.settled_wh if row else None,
        run=shown[0] if shown else "",
        version=shown[1] if shown else None,
        delivered_wh=shown[2] if shown else None,
        settled_label=shown[3] if shown else "",
        differences=row.differences if row else (),
    )


def told_of(row: PositionNotification, now: datetime) -> Told:
    """A notification as the page shows it."""
    may_resubmit = row.state == NotificationState.EXCEPTION and now < row.gate_closure_at
    return Told(row.pk, row.key, row.state, row.sent_at, row.exception_reason, row.alarm, may_resubmit)


def export_rows(page: Reconciliation) -> Iterator[tuple[object, ...]]:
    """The page as rows of a file, one a difference, and one for a half hour without any."""
    for row in page.rows:
        told = row.told
        facts = (
            row.site, row.unit, row.settlement_date.isoformat(), row.settlement_period, utc_text(row.start), row.traded_wh,
            row.notified_wh, told.state if told else "", utc_text(told.sent_at) if told and told.sent_at else "",
            told.reason if told else "", row.held_wh, utc_text(row.held_at) if row.held_at else "", row.settled_wh,
            row.run, row.version, row.delivered_wh,
        )  # fmt: skip
        for cause, sentence in [(one.cause.value, one.says) for one in row.differences] or [("", "")]:
            told_cells = (cause, sentence, "SIMULATED", utc_text(page.as_of))
            yield tuple("" if cell is None else cell for cell in (*facts, *told_cells))
