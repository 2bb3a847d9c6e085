"""Read a received queue file into jobs and row errors, ready for review."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from flex_engine.compute.queue_file import QueueDefaults, UnreadableFileError, parse
from marketplace import notify
from marketplace.models import Upload


def read_upload(*, upload_id: int, now: datetime) -> Upload:
    """Parse upload `upload_id` once; an upload that is not RECEIVED is left as it is (safe to repeat)."""
    with transaction.atomic():
        upload = Upload.objects.select_for_update(of=("self",)).select_related("site").get(pk=upload_id)
        if upload.state != Upload.State.RECEIVED:
            return upload
        try:
            found = parse(bytes(upload.content), upload.filename, defaults=defaults_of(upload))
        except UnreadableFileError as problem:
            upload.state, upload.error = Upload.State.FAILED, str(problem)
        else:
            upload.state = Upload.State.NEEDS_REVIEW
            upload.rows_total = found.rows_total
            upload.jobs = [job.to_dict() for job in found.jobs]
            upload.row_errors = [
                {"row": e.row, "column": e.column, "value": e.value, "problem": e.problem, "fix": e.fix}
                for e in found.errors
            ]
            upload.assumptions = [
                {"name": a.name, "value": str(a.value), "label": str(a.label), "why": a.why} for a in found.assumptions
            ]
        upload.reviewed_at = None
        upload.read_at = now
        upload.save()
        notify.changed(f"upload:{upload.pk}", f"site:{upload.site.slug}")
    return upload


def defaults_of(upload: Upload) -> QueueDefaults:
    """What the site and the uploader said about columns the file may lack."""
    site, slack, epoch = upload.site, upload.options.get("slack_s"), upload.options.get("epoch")
    return QueueDefaults(
        kw_per_cpu=float(site.kw_per_cpu),
        kw_per_gpu=float(site.kw_per_gpu),
        pue=float(site.pue),
        slack=timedelta(seconds=slack) if slack is not None else None,
        epoch=datetime.fromisoformat(epoch) if epoch else None,
    )
