"""Take an API token back, at once and for good."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from marketplace import events
from marketplace.models import ApiToken
from marketplace.usecases.make_token import public_id


def revoke_token(*, token: ApiToken, now: datetime) -> None:
    """Delete the token; the next request with it is refused. Whoever sees a token may revoke it: it is their own."""
    with transaction.atomic():
        events.append(
            type="token.revoked",
            subject=f"token:{public_id(token)}",
            payload={"name": token.name, "person": token.user_id},
            organisations=[token.organisation] if token.organisation else [],
            now=now,
        )
        token.delete()
