"""Meter readings as a person looks at them: days and their quality, a day as it was known at a moment, one half hour's history.

Two times count: the half hour a reading is about, and when it became known. Every answer says what it was known by.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

from django.db.models import OuterRef, QuerySet, Subquery

from flex_engine.settle.metering_estimates import EstimationRule, rules
from flex_engine.settle.metering_quality import DayQuality, Known, day_quality
from flex_engine.timegrid import HALF_HOUR, LONDON, day_start, half_hours, settlement_period
from marketplace.models import Activation, EstimationChoice, ExportReading, MeterFile, MeterReading, MsidPair, Site
from marketplace.queries.exports import utc_text
from marketplace.rules.order_state import ActivationState

R = TypeVar("R", MeterReading, ExportReading)
SHOWN_DAYS = 28
SHOWN_FILES = 10
TEMPLATE_HEADER = ("date", "period", "start_utc", "direction", "unit", "value")
WAITING = (ActivationState.ACCEPTED, ActivationState.IN_PROGRESS)


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """A dispatch that is over and not settled: which of its half hours have no reading yet."""

    id: int
    order: str
    instruction_id: str
    start: datetime
    end: datetime
    missing: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file of readings in the list."""

    id: int
    filename: str
    state: str
    state_name: str
    rows: int
    recorded: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ReadingsPage:
    """The meter of a site: its latest days, what waits, what came in, and what may stand in for a gap."""

    days: tuple[DayQuality, ...]
    first_day: date
    last_day: date
    files: tuple[FileRow, ...]
    waiting: tuple[WaitingRow, ...]
    rules: tuple[EstimationRule, ...]
    standing_rule: str
    pairs: tuple[MsidPair, ...]

    @property
    def empty(self) -> bool:
        """Whether not one half hour of these days is known."""
        return not any(day.known for day in self.days)


@dataclass(frozen=True, slots=True)
class HalfHourRow:
    """One settlement period of a day and what is known of it; None where nothing is."""

    start: datetime
    period: int
    import_wh: int | None
    export_wh: int | None
    quality: str
    label: str
    source: str
    known_at: datetime | None
    revisions: int


@dataclass(frozen=True, slots=True)
class DayPage:
    """A settlement day as it was known at `known_at`."""

    day: date
    before: date
    after: date | None
    known_at: datetime
    quality: DayQuality
    rows: tuple[HalfHourRow, ...]
    total_wh: int


@dataclass(frozen=True, slots=True)
class Revision:
    """One reading of a half hour, and how it differs from the one before."""

    direction: str
    wh: int
    change_wh: int | None
    quality: str
    label: str
    source: str
    known_at: datetime


def known_at(rows: QuerySet[R], moment: datetime) -> QuerySet[R]:
    """Of `rows`, the one reading of each half hour that was in force at `moment`."""
    newest = (
        rows.model._default_manager.filter(site=OuterRef("site"), start_at=OuterRef("start_at"), known_at__lte=moment)
        .order_by("-known_at", "-pk")
        .values("pk")
    )
    return rows.filter(pk=Subquery(newest[:1]))


def readings_page(site: Site, now: datetime) -> ReadingsPage:
    """The last four weeks of the meter, up to the newest day with a half hour that is over."""
    last = (now - HALF_HOUR).astimezone(LONDON).date()
    days = [last - timedelta(days=back) for back in range(SHOWN_DAYS)]
    standing = EstimationChoice.objects.filter(site=site, activation=None).order_by("-chosen_at", "-pk").first()
    return ReadingsPage(
        days=days_of(site, days, now),
        first_day=days[-1],
        last_day=last,
        files=tuple(map(file_row, MeterFile.objects.filter(site=site).defer("content").order_by("-pk")[:SHOWN_FILES])),
        waiting=tuple(waiting_rows(site, now)),
        rules=rules(),
        standing_rule=standing.rule if standing else "",
        pairs=tuple(MsidPair.objects.filter(site=site).order_by("-effective_from")),
    )


def days_of(site: Site, days: Sequence[date], now: datetime) -> tuple[DayQuality, ...]:
    """The quality of settlement days that lie together, each as known now."""
    begin, end = day_start(min(days)) - timedelta(hours=6), day_start(max(days) + timedelta(days=1))
    known = known_half_hours(site, begin, end, now)
    limit_wh = int(site.import_limit_kw * 500)
    return tuple(day_quality(day, known, limit_wh=limit_wh, until=now) for day in days)


def known_half_hours(site: Site, begin: datetime, end: datetime, moment: datetime) -> dict[datetime, Known]:
    """Import of each half hour in [begin, end) as it was known at `moment`."""
    rows = MeterReading.objects.filter(site=site, start_at__gte=begin, start_at__lt=end, known_at__lte=moment)
    found = rows.order_by("known_at", "pk").values_list("start_at", "import_wh", "quality")
    return {start: Known(wh, quality) for start, wh, quality in found}


def file_row(file: MeterFile) -> FileRow:
    """A line of the list."""
    return FileRow(
        file.pk,
        file.filename,
        file.state,
        file.get_state_display(),
        file.rows_read,
        file.recorded,
        file.created_at,
    )


def waiting_rows(site: Site, now: datetime) -> Iterable[WaitingRow]:
    """Dispatches that are over and not settled, the oldest first."""
    rows = Activation.objects.filter(order__offer__site=site, state__in=WAITING, end_at__lte=now)
    found = list(rows.prefetch_related("periods").order_by("end_at", "pk"))
    starts = [period.start_at for row in found for period in row.periods.all()]
    known = set(
        MeterReading.objects.filter(site=site, start_at__in=starts, known_at__lte=now).values_list(
            "start_at", flat=True
        )
    )
    for row in found:
        missing = sorted(period.start_at for period in row.periods.all() if period.start_at not in known)
        yield WaitingRow(row.pk, str(row.order_id), row.instruction_id, row.start_at, row.end_at, tuple(missing))


def day_page(site: Site, day: date, *, moment: datetime, now: datetime) -> DayPage:
    """Settlement day `day` as it was known at `moment`."""
    begin, end = day_start(day), day_start(day + timedelta(days=1))
    imports = MeterReading.objects.filter(site=site, start_at__gte=begin, start_at__lt=end, known_at__lte=moment)
    exports = ExportReading.objects.filter(site=site, start_at__gte=begin, start_at__lt=end, known_at__lte=moment)
    newest: dict[datetime, MeterReading] = {}
    count: dict[datetime, int] = {}
    for row in imports.order_by("known_at", "pk"):
        newest[row.start_at] = row
        count[row.start_at] = count.get(row.start_at, 0) + 1
    exported = {row.start_at: row for row in exports.order_by("known_at", "pk")}
    rows = tuple(
        half_hour_row(start, newest.get(start), exported.get(start), count.get(start, 0))
        for start in half_hours(begin, end)
    )
    known = known_half_hours(site, begin - timedelta(hours=6), end, moment)
    tomorrow = day + timedelta(days=1)
    return DayPage(
        day=day,
        before=day - timedelta(days=1),
        after=tomorrow if day_start(tomorrow) < now else None,
        known_at=moment,
        quality=day_quality(day, known, limit_wh=int(site.import_limit_kw * 500), until=min(now, moment)),
        rows=rows,
        total_wh=sum(row.import_wh for row in newest.values()),
    )


def half_hour_row(
    start: datetime, imported: MeterReading | None, exported: ExportReading | None, revisions: int
) -> HalfHourRow:
    """One line of the day."""
    told = imported or exported
    return HalfHourRow(
        start=start,
        period=settlement_period(start)[1],
        import_wh=imported.import_wh if imported else None,
        export_wh=exported.export_wh if exported else None,
        quality=told.quality if told else "",
        label=told.label if told else "",
        source=told.source if told else "",
        known_at=told.known_at if told else None,
        revisions=revisions,
    )


def history(site: Site, start: datetime) -> tuple[Revision, ...]:
    """Everything that was ever known of the half hour from `start`, the newest first, import before export."""
    found: list[Revision] = []
    for direction, model, column in (
        ("IMPORT", MeterReading, "import_wh"),
        ("EXPORT", ExportReading, "export_wh"),
    ):
        before: int | None = None
        told = []
        for row in model._default_manager.filter(site=site, start_at=start).order_by("known_at", "pk"):
            wh = getattr(row, column)
            change = None if before is None else wh - before
            told.append(Revision(direction, wh, change, row.quality, row.label, row.source, row.known_at))
            before = wh
        found += reversed(told)
    return tuple(found)


def template_rows(activation: Activation) -> Iterator[list[object]]:
    """The rows of the file to fill in for a dispatch, under TEMPLATE_HEADER: one a settlement period, without a value."""
    for start in activation.periods.order_by("start_at").values_list("start_at", flat=True):
        day, period = settlement_period(start)
        yield [day.isoformat(), period, utc_text(start), "IMPORT", "kWh", ""]
