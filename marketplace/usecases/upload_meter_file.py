"""Take a file of meter readings in: keep it as it came, and have a worker read it. Nothing of it counts before all of it does."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from datetime import datetime

from django.db import transaction

from flex_engine.settle.metering import MeteringFileError, Said
from flex_engine.settle.metering_columns import check_said
from marketplace import enqueue, notify
from marketplace.models import MeterFile, Site, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.roles import Action, require
from marketplace.usecases.record_meter import check_label

MAX_BYTES = 100 * 1024 * 1024
UNDER_WAY = (MeterFile.State.RECEIVED, MeterFile.State.READING)


def upload_meter_file(
    *,
    site: Site,
    user: User | None,
    filename: str,
    content: bytes,
    said: Said,
    source: str,
    label: str,
    now: datetime,
) -> MeterFile:
    """Store the file. The same bytes said to mean the same give the same row while it is under way.

    Raises MarketError for an empty or oversized file, words that may not be said, or a user who may not record.
    """
    if user is not None:
        require(role_of(user, site.organisation), Action.METER)
    check_label(label)
    if not content:
        raise MarketError("EMPTY_FILE", f"{filename} is empty.", fix="Choose a file with a header line and readings.")
    if len(content) > MAX_BYTES:
        raise MarketError(
            "FILE_TOO_LARGE", f"{filename} has {len(content):,} bytes; the most is {MAX_BYTES:,}.", fix="Split it."
        )
    try:
        check_said(said)
    except MeteringFileError as problem:
        raise MarketError("BAD_READING", str(problem), fix="Choose it again.") from problem
    digest = hashlib.sha256(content).hexdigest()
    meant = {"sha256": digest, "said": asdict(said), "source": source[:80], "label": label}
    with transaction.atomic():
        same = MeterFile.objects.filter(site=site, state__in=UNDER_WAY, **meant).first()
        if same is not None:
            return same
        stored = MeterFile.objects.create(
            site=site, uploaded_by=user, filename=filename[:255], content=content, created_at=now, **meant
        )
        enqueue.enqueue("marketplace.agents.metering.read_file", file_id=stored.pk)
        notify.changed(f"meter-file:{stored.pk}", f"site:{site.slug}")
    return stored
