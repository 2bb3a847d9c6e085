"""Make an API token: one person, one organisation, named scopes, and an end. Its secret is given once and kept nowhere."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction

from marketplace import events
from marketplace.models import ApiToken, Organisation, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.roles import Action, require
from marketplace.rules.scopes import SCOPES

LONGEST = timedelta(days=90)


def make_token(
    *,
    user: User,
    organisation: Organisation,
    name: str,
    scopes: Collection[str],
    life: timedelta,
    within: ApiToken | None = None,
    now: datetime,
) -> tuple[ApiToken, str]:
    """Returns the token's row and its secret. A token made with another one (`within`) holds no more and lives no longer.

    Raises MarketError: not a member, an unknown scope, none at all, more than `within` holds, or a life over 90 days.
    """
    require(role_of(user, organisation), Action.VIEW)
    check_scopes(scopes, within)
    if not timedelta(0) < life <= LONGEST:
        raise MarketError("BAD_TOKEN", f"A token cannot live {life.days} days.", fix="Choose 1 to 90 days.")
    with transaction.atomic():
        token, secret = ApiToken.objects.create(
            user=user, expiry=life, organisation=organisation, name=name, scopes=sorted(set(scopes))
        )
        if within is not None and within.expiry is not None and token.expiry > within.expiry:
            token.expiry = within.expiry
            token.save(update_fields=["expiry"])
        events.append(
            type="token.made",
            subject=f"token:{public_id(token)}",
            payload={
                "name": name,
                "person": user.pk,
                "scopes": token.scopes,
                "until": token.expiry.isoformat(timespec="seconds"),
            },
            organisations=[organisation],
            now=now,
        )
    return token, secret


def check_scopes(scopes: Collection[str], within: ApiToken | None) -> None:
    """Raise MarketError unless every scope exists and, for a token made with another one, is among that one's."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise MarketError(
            "BAD_SCOPE",
            f"There is no scope {unknown[0]!r}." if unknown else "A token without a scope can do nothing.",
            fix=f"Choose among {', '.join(SCOPES)}.",
        )
    beyond = sorted(set(scopes) - set(within.scopes)) if within is not None else []
    if beyond:
        raise MarketError(
            "NOT_ALLOWED",
            f"This token does not hold {beyond[0]}, so it cannot pass it on.",
            fix="Sign in to make a token with more scopes.",
        )


def public_id(token: ApiToken) -> str:
    """What a token is called in lists and events: the beginning of the hash of its secret, which tells nothing about it."""
    return str(token.digest)[:16]
