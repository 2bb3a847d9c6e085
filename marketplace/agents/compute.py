"""The compute agent: reads job queues as they come in."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from marketplace import clock
from marketplace.agents.decide import decide
from marketplace.models import Upload
from marketplace.usecases.read_upload import read_upload as read


@shared_task(name="marketplace.agents.compute.read_upload")
def read_upload(*, upload_id: int, **_: Any) -> None:
    """Read one received file."""
    now = clock.now()
    before = Upload.objects.filter(pk=upload_id, state=Upload.State.RECEIVED).exists()
    if not before:
        return
    upload = read(upload_id=upload_id, now=now)
    decide(
        agent="compute",
        site=upload.site,
        saw=f"{upload.filename} with {upload.rows_total} rows",
        decided="kept it for review" if upload.state == Upload.State.NEEDS_REVIEW else "could not read it",
        why=upload.error or f"{len(upload.jobs)} jobs are valid, {len(upload.row_errors)} problems were found",
        now=now,
        subject=f"upload:{upload.pk}",
    )


@shared_task(name="marketplace.agents.compute.tick")
def tick(**_: Any) -> None:
    """Read whatever was received and not read yet, the oldest first: nothing depends on the wake-up call."""
    for upload_id in Upload.objects.filter(state=Upload.State.RECEIVED).order_by("pk").values_list("pk", flat=True):
        read_upload(upload_id=upload_id)
