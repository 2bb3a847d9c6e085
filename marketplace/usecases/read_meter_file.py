"""Read a stored file of meter readings from its first row, telling how far it is. It records nothing.

A worker that died while reading left nothing behind: the next one starts again from the stored bytes.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from flex_engine.settle.metering import MeteringFileError, Said
from flex_engine.settle.metering_file import Outcome, open_table, read_readings
from marketplace import notify
from marketplace.models import MeterFile
from marketplace.usecases.record_meter import judged
from marketplace.usecases.upload_meter_file import UNDER_WAY

MOST_ATTEMPTS = 5  # a file that kills its worker must not do so for ever


class CancelledError(Exception):
    """Somebody cancelled the file while it was being read."""


def read_meter_file(*, file_id: int, now: datetime) -> Outcome | None:
    """What the file holds; None when it is not under way, was cancelled meanwhile, or cannot be read, which is then said."""
    with transaction.atomic():
        file = MeterFile.objects.select_for_update(of=("self",)).select_related("site").filter(pk=file_id).first()
        if file is None or file.state not in UNDER_WAY:
            return None
        if file.attempts >= MOST_ATTEMPTS:
            why = f"Reading it broke off {file.attempts} times. Send it in smaller parts, and tell whoever runs this installation."
            file.state = MeterFile.State.READING
            file.save(update_fields=["state"])
            refuse(file, why, now=now)
            return None
        file.attempts += 1
        file.state, file.started_at = MeterFile.State.READING, now
        file.rows_total = max(0, bytes(file.content).count(b"\n") - 1)
        file.save(update_fields=["state", "attempts", "started_at", "rows_total"])
        notify.changed(f"meter-file:{file.pk}")

    def tell(read: int, accepted: int, refused: int) -> None:
        """How far it is; stops where the file is no longer to be read."""
        if not told(file, read, accepted, refused):
            raise CancelledError

    try:
        return read_readings(
            open_table(bytes(file.content), file.filename), Said(**file.said), judged(file.site, now), tell
        )
    except CancelledError:
        return None
    except MeteringFileError as problem:
        refuse(file, str(problem), now=now)
        return None


def told(file: MeterFile, read: int, accepted: int, refused: int) -> bool:
    """Store and show the counts; False when the file is not being read any more."""
    with transaction.atomic():
        found = MeterFile.objects.filter(pk=file.pk, state=MeterFile.State.READING).update(
            rows_read=read, rows_accepted=accepted, rows_refused=refused
        )
        notify.changed(f"meter-file:{file.pk}")
    return bool(found)


def refuse(file: MeterFile, why: str, *, now: datetime) -> None:
    """Mark the file as one that cannot be read, unless it was cancelled meanwhile."""
    with transaction.atomic():
        MeterFile.objects.filter(pk=file.pk, state=MeterFile.State.READING).update(
            state=MeterFile.State.REFUSED, error=why, ended_at=now
        )
        notify.changed(f"meter-file:{file.pk}", f"site:{file.site.slug}")
