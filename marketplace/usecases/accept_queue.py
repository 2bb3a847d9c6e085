"""Import the jobs of a reviewed upload into the site's queue, all at once or not at all."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from flex_engine.compute.job import Job as EngineJob
from marketplace import enqueue, events, notify
from marketplace.models import Job, Site, Upload, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.roles import Action, require


def accept_queue(*, upload: Upload, user: User | None, valid_only: bool, now: datetime) -> int:
    """Import the upload's valid jobs and ask for a plan. Returns how many jobs were imported.

    Jobs with an id the site already has are replaced. Without `valid_only` a file with row errors is refused, so that
    nobody imports a part by accident. Raises MarketError; accepting twice imports once.
    """
    with transaction.atomic():
        upload = Upload.objects.select_for_update(of=("self",)).select_related("site__organisation").get(pk=upload.pk)
        if user is not None:
            require(role_of(user, upload.site.organisation), Action.UPLOAD_QUEUE)
        check_acceptable(upload, valid_only=valid_only)
        rows = [row_of(upload, EngineJob.from_dict(data)) for data in upload.jobs]
        Job.objects.bulk_create(
            rows,
            batch_size=500,
            update_conflicts=True,
            unique_fields=["site", "external_id"],
            update_fields=[
                "upload", "arrival_at", "deadline_at", "duration_s", "power_kw", "preemptible", "tier", "cpus", "gpus",
                "power_label", "deadline_label",
            ],
        )  # fmt: skip
        upload.state, upload.reviewed_at = Upload.State.IMPORTED, now
        upload.save(update_fields=["state", "reviewed_at"])
        Site.objects.filter(pk=upload.site_id).update(replan_requested_at=now)
        events.append(
            type="queue.accepted",
            subject=f"upload:{upload.pk}",
            payload={
                "site": upload.site.slug,
                "file_sha256": upload.sha256,
                "jobs": len(rows),
                "rows_refused": len(upload.row_errors),
            },
            organisations=[upload.site.organisation],
            now=now,
        )
        enqueue.enqueue("marketplace.agents.optimisation.plan", site_id=upload.site_id)
        notify.changed(f"upload:{upload.pk}", f"site:{upload.site.slug}")
    return len(rows)


def check_acceptable(upload: Upload, *, valid_only: bool) -> None:
    """Raise MarketError unless the upload waits for review and holds something to import."""
    if upload.state != Upload.State.NEEDS_REVIEW:
        raise MarketError(
            "UPLOAD_NOT_READY", f"This upload is {upload.get_state_display().lower()}.", fix="Upload the file again."
        )
    if not upload.jobs:
        raise MarketError(
            "NOTHING_TO_IMPORT",
            "No row of this file can be imported.",
            fix="Put the listed rows right and upload again.",
        )
    if upload.row_errors and not valid_only:
        raise MarketError(
            "ROWS_REFUSED",
            f"{len(upload.row_errors)} problem(s) stand in {upload.filename}.",
            fix="Import the valid rows only, or put the listed rows right and upload again.",
        )


def row_of(upload: Upload, job: EngineJob) -> Job:
    """The database row of a parsed job; power to the watt."""
    return Job(
        site_id=upload.site_id,
        upload=upload,
        external_id=job.id,
        arrival_at=job.arrival,
        deadline_at=job.deadline,
        duration_s=job.duration_s,
        power_kw=max(Decimal(str(job.power_kw)).quantize(Decimal("0.001")), Decimal("0.001")),
        preemptible=job.preemptible,
        tier=job.tier,
        cpus=Decimal(str(job.cpus)),
        gpus=Decimal(str(job.gpus)),
        power_label=str(job.power_label),
        deadline_label=str(job.deadline_label),
    )
