"""A site's job queue: the table, its filters, and its export."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, DecimalField, ExpressionWrapper, F, QuerySet, Sum

from marketplace.models import Job, Site, Upload
from marketplace.queries.exports import utc_text
from marketplace.queries.pages import Page, page_of

SORTS = {
    "deadline": ("deadline_at", "pk"),
    "arrival": ("arrival_at", "pk"),
    "power": ("-power_kw", "pk"),
    "name": ("external_id",),
}
HEADER = (
    "id",
    "tier",
    "arrival_utc",
    "deadline_utc",
    "duration_s",
    "power_kw_site_consumption_positive",
    "energy_kwh",
    "preemptible",
    "cpus",
    "gpus",
    "power_label",
    "deadline_label",
)


@dataclass(frozen=True, slots=True)
class JobFilters:
    """What the address asks for. `status` is open (deadline ahead), past or all."""

    text: str = ""
    tier: str = ""
    status: str = "open"
    sort: str = "deadline"


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job. Power is the site's, at the meter; slack is what is left after arrival and duration."""

    external_id: str
    tier: str
    arrival: datetime
    deadline: datetime
    duration: timedelta
    slack: timedelta
    power_kw: Decimal
    energy_kwh: Decimal
    preemptible: bool
    cpus: Decimal
    gpus: Decimal
    power_label: str
    deadline_label: str


@dataclass(frozen=True, slots=True)
class UploadRow:
    """One uploaded file in the list beside the queue."""

    id: int
    filename: str
    state: str
    state_name: str
    rows_total: int
    errors: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class QueuePage:
    """The queue page: one slice of jobs, the tiers to filter by, and the latest uploads."""

    jobs: Page[JobRow]
    tiers: tuple[tuple[str, int], ...]
    open_jobs: int
    open_energy_kwh: Decimal
    uploads: tuple[UploadRow, ...]


def filtered_jobs(site: Site, filters: JobFilters, now: datetime) -> QuerySet[Job]:
    """Exactly the jobs the filters name, in their order."""
    jobs = Job.objects.filter(site=site)
    if filters.text:
        jobs = jobs.filter(external_id__icontains=filters.text)
    if filters.tier:
        jobs = jobs.filter(tier=filters.tier)
    if filters.status == "open":
        jobs = jobs.filter(deadline_at__gt=now)
    elif filters.status == "past":
        jobs = jobs.filter(deadline_at__lte=now)
    return jobs.order_by(*SORTS.get(filters.sort, SORTS["deadline"]))


def queue_page(site: Site, filters: JobFilters, number: int, now: datetime) -> QueuePage:
    """Page `number` of the site's queue."""
    ahead = Job.objects.filter(site=site, deadline_at__gt=now)
    tiers = Job.objects.filter(site=site).values_list("tier").annotate(n=Count("pk")).order_by("tier")
    work = ahead.aggregate(kws=Sum(energy_kws()))["kws"] or 0
    return QueuePage(
        jobs=page_of(filtered_jobs(site, filters, now), number, job_row),
        tiers=tuple((tier, count) for tier, count in tiers),
        open_jobs=ahead.count(),
        open_energy_kwh=Decimal(str(work)) / 3600,
        uploads=tuple(upload_rows(Upload.objects.filter(site=site))),
    )


def energy_kws() -> ExpressionWrapper:
    """Energy of a job in kW seconds, as an expression."""
    return ExpressionWrapper(
        F("power_kw") * F("duration_s"), output_field=DecimalField(max_digits=24, decimal_places=3)
    )


def upload_rows(uploads: QuerySet[Upload], *, limit: int = 8) -> Iterator[UploadRow]:
    """The newest uploads, without their content."""
    for row in uploads.defer("content", "jobs").order_by("-created_at", "-pk")[:limit]:
        yield UploadRow(
            row.pk,
            row.filename,
            row.state,
            row.get_state_display(),
            row.rows_total,
            len(row.row_errors),
            row.created_at,
        )


def job_row(job: Job) -> JobRow:
    """The row of one job."""
    duration = timedelta(seconds=job.duration_s)
    return JobRow(
        external_id=job.external_id,
        tier=job.tier,
        arrival=job.arrival_at,
        deadline=job.deadline_at,
        duration=duration,
        slack=job.deadline_at - job.arrival_at - duration,
        power_kw=job.power_kw,
        energy_kwh=job.power_kw * job.duration_s / 3600,
        preemptible=job.preemptible,
        cpus=job.cpus,
        gpus=job.gpus,
        power_label=job.power_label,
        deadline_label=job.deadline_label,
    )


def job_export(jobs: QuerySet[Job]) -> Iterator[list[object]]:
    """The rows under HEADER of exactly these jobs."""
    for job in jobs.iterator(chunk_size=2000):
        row = job_row(job)
        yield [
            row.external_id,
            row.tier,
            utc_text(row.arrival),
            utc_text(row.deadline),
            job.duration_s,
            f"{row.power_kw:f}",
            f"{row.energy_kwh:.3f}",
            "yes" if row.preemptible else "no",
            f"{row.cpus.normalize():f}",
            f"{row.gpus.normalize():f}",
            row.power_label,
            row.deadline_label,
        ]
