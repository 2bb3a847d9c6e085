"""Stop a file of meter readings on its way in. Nothing of it was recorded; the file stays as it came."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from marketplace import notify
from marketplace.models import MeterFile, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.roles import Action, require
from marketplace.usecases.upload_meter_file import UNDER_WAY


def cancel_meter_file(*, file: MeterFile, user: User | None, now: datetime) -> MeterFile:
    """Cancel `file`; a second time is no harm. Raises MarketError once it was imported or refused."""
    with transaction.atomic():
        file = (
            MeterFile.objects.select_for_update(of=("self",))
            .select_related("site__organisation")
            .defer("content")
            .get(pk=file.pk)
        )
        if user is not None:
            require(role_of(user, file.site.organisation), Action.METER)
        if file.state == MeterFile.State.CANCELLED:
            return file
        if file.state not in UNDER_WAY:
            raise MarketError(
                "FILE_DONE",
                f"{file.filename} is {file.get_state_display().lower()} already.",
                fix="To correct readings, send a file with the right values: it is kept as a revision.",
            )
        file.state, file.ended_at = MeterFile.State.CANCELLED, now
        file.save(update_fields=["state", "ended_at"])
        notify.changed(f"meter-file:{file.pk}", f"site:{file.site.slug}")
    return file
