"""An uploaded queue under review: what was read, what was assumed, and every row that cannot be imported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from marketplace.models import Upload

SHOWN_JOBS = 50
# All errors are on the page; a file that is wrong throughout is cut here and whole in the CSV.
SHOWN_ERRORS = 500
ERROR_HEADER = ("row", "column", "value", "problem", "fix")


@dataclass(frozen=True, slots=True)
class ReadJob:
    """One parsed job, not imported yet."""

    id: str
    tier: str
    arrival: datetime
    deadline: datetime
    duration: timedelta
    power_kw: float
    power_label: str
    deadline_label: str
    preemptible: bool


@dataclass(frozen=True, slots=True)
class RowError:
    """One problem: where, what stands there, what is wrong and how to put it right."""

    row: int
    column: str
    value: str
    problem: str
    fix: str


@dataclass(frozen=True, slots=True)
class Assumption:
    """One thing taken as given because the file does not say it."""

    name: str
    value: str
    label: str
    why: str


@dataclass(frozen=True, slots=True)
class UploadPage:
    """The review of one file."""

    id: int
    site_name: str
    site_slug: str
    filename: str
    sha256: str
    state: str
    state_name: str
    created_at: datetime
    read_at: datetime | None
    reviewed_at: datetime | None
    error: str
    rows_total: int
    jobs_total: int
    energy_kwh: float
    first: datetime | None
    last: datetime | None
    jobs: tuple[ReadJob, ...]
    errors_total: int
    rows_refused: int
    errors: tuple[RowError, ...]
    assumptions: tuple[Assumption, ...]
    replaces: int
    elapsed: timedelta

    @property
    def waiting(self) -> bool:
        """Whether the compute agent has not read the file yet."""
        return self.state == Upload.State.RECEIVED

    @property
    def reviewable(self) -> bool:
        """Whether somebody can still decide about it."""
        return self.state == Upload.State.NEEDS_REVIEW


def upload_page(upload: Upload, now: datetime) -> UploadPage:
    """The review page of `upload`."""
    jobs = [read_job(data) for data in upload.jobs]
    ids = [job.id for job in jobs]
    known = set(upload.site.jobs.exclude(upload=upload).values_list("external_id", flat=True)) if ids else set()
    return UploadPage(
        id=upload.pk,
        site_name=upload.site.name,
        site_slug=upload.site.slug,
        filename=upload.filename,
        sha256=upload.sha256,
        state=upload.state,
        state_name=upload.get_state_display(),
        created_at=upload.created_at,
        read_at=upload.read_at,
        reviewed_at=upload.reviewed_at,
        error=upload.error,
        rows_total=upload.rows_total,
        jobs_total=len(jobs),
        energy_kwh=sum(job.power_kw * job.duration.total_seconds() / 3600 for job in jobs),
        first=min((job.arrival for job in jobs), default=None),
        last=max((job.deadline for job in jobs), default=None),
        jobs=tuple(jobs[:SHOWN_JOBS]),
        errors_total=len(upload.row_errors),
        rows_refused=len({error["row"] for error in upload.row_errors}),
        errors=tuple(row_error(error) for error in upload.row_errors[:SHOWN_ERRORS]),
        assumptions=tuple(
            Assumption(a["name"], str(a["value"]), str(a["label"]), a["why"]) for a in upload.assumptions
        ),
        replaces=len(known.intersection(ids)),
        elapsed=max(now - upload.created_at, timedelta(0)),
    )


def read_job(data: dict[str, Any]) -> ReadJob:
    """A parsed job from the engine's Job.to_dict()."""
    return ReadJob(
        id=str(data["id"]),
        tier=str(data.get("tier", "BATCH")),
        arrival=datetime.fromisoformat(data["arrival"]),
        deadline=datetime.fromisoformat(data["deadline"]),
        duration=timedelta(seconds=int(data["duration_s"])),
        power_kw=float(Decimal(str(data["power_kw"]))),
        power_label=str(data.get("power_label", "ESTIMATED")),
        deadline_label=str(data.get("deadline_label", "MEASURED")),
        preemptible=bool(data.get("preemptible", True)),
    )


def row_error(data: dict[str, Any]) -> RowError:
    """One stored row error."""
    return RowError(int(data["row"]), str(data["column"]), str(data["value"]), str(data["problem"]), str(data["fix"]))


def error_export(upload: Upload) -> Iterator[list[object]]:
    """Every row error under ERROR_HEADER."""
    for data in upload.row_errors:
        error = row_error(data)
        yield [error.row, error.column, error.value, error.problem, error.fix]
