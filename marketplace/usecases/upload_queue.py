"""Take a job-queue file in: keep it as it came, then read it. Nothing is imported before somebody has reviewed it."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from marketplace import enqueue, notify
from marketplace.models import Site, Upload, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.roles import Action, require

MAX_BYTES = 20 * 1024 * 1024


def upload_queue(
    *,
    site: Site,
    user: User | None,
    filename: str,
    content: bytes,
    slack: timedelta | None = None,
    epoch: datetime | None = None,
    now: datetime,
) -> Upload:
    """Store the file and have the compute agent read it. The same bytes for the same site give the same upload.

    `slack` fills missing deadlines and `epoch` is the time zero of files that count seconds; both are recorded as
    assumptions. Raises MarketError for an empty or oversized file, or a user who may not upload.
    """
    if user is not None:
        require(role_of(user, site.organisation), Action.UPLOAD_QUEUE)
    if not content:
        raise MarketError(
            "EMPTY_FILE", f"{filename} is empty.", fix="Choose a file with a header line and at least one job."
        )
    if len(content) > MAX_BYTES:
        raise MarketError(
            "FILE_TOO_LARGE",
            f"{filename} has {len(content):,} bytes; the most is {MAX_BYTES:,}.",
            fix="Split it or gzip it.",
        )
    digest = hashlib.sha256(content).hexdigest()
    wishes: dict[str, Any] = {
        "slack_s": int(slack.total_seconds()) if slack else None,
        "epoch": epoch.isoformat() if epoch else None,
    }
    with transaction.atomic():
        same = Upload.objects.filter(
            site=site, sha256=digest, options=wishes, state__in=[Upload.State.RECEIVED, Upload.State.NEEDS_REVIEW]
        ).first()
        if same is not None:
            return same
        upload = Upload.objects.create(
            site=site,
            uploaded_by=user,
            filename=filename[:255],
            content=content,
            sha256=digest,
            options=wishes,
            created_at=now,
        )
        enqueue.enqueue("marketplace.agents.compute.read_upload", upload_id=upload.pk)
        notify.changed(f"upload:{upload.pk}")
    return upload
