"""Put an upload aside without importing anything."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from marketplace import notify
from marketplace.models import Upload, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.roles import Action, require


def discard_upload(*, upload: Upload, user: User | None, now: datetime) -> Upload:
    """Mark the upload discarded. The file and what was found in it stay readable. Raises MarketError once imported."""
    with transaction.atomic():
        upload = Upload.objects.select_for_update(of=("self",)).select_related("site__organisation").get(pk=upload.pk)
        if user is not None:
            require(role_of(user, upload.site.organisation), Action.UPLOAD_QUEUE)
        if upload.state == Upload.State.IMPORTED:
            raise MarketError(
                "UPLOAD_NOT_READY",
                "This upload is already imported.",
                fix="Upload a corrected file to replace its jobs.",
            )
        upload.state, upload.reviewed_at = Upload.State.DISCARDED, now
        upload.save(update_fields=["state", "reviewed_at"])
        notify.changed(f"upload:{upload.pk}", f"site:{upload.site.slug}")
    return upload
