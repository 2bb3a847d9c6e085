"""Ask the network what flexibility is on sale, for a grid operator."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction

from beckn import outbox
from marketplace.models import Organisation, SearchResult, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.roles import Action, require


def search_catalogue(
    *,
    organisation: Organisation,
    user: User | None = None,
    text: str = "",
    direction: str = "",
    min_kw: Decimal | None = None,
    now: datetime,
) -> SearchResult:
    """Send a signed discover to the discovery service, or to our own seller where none is set; the answer arrives later in the SearchResult. Raises MarketError for an unknown direction."""
    if user is not None:
        require(role_of(user, organisation), Action.VIEW)
    if direction not in {"", "REDUCE", "INCREASE"}:
        raise MarketError(
            "BAD_FILTER", f"direction is {direction!r}.", fix="Write REDUCE or INCREASE, or leave it out."
        )
    with transaction.atomic():
        result = SearchResult.objects.create(organisation=organisation, transaction_id=uuid.uuid4(), requested_at=now)
        outbox.send(
            role="bap",
            action="discover",
            message={"intent": intent(text=text, direction=direction, min_kw=min_kw)},
            to=settings.BECKN_DISCOVERY_ID or settings.BECKN_PARTICIPANTS["bpp"]["subscriber_id"],
            transaction_id=result.transaction_id,
        )
    return result


def intent(*, text: str, direction: str, min_kw: Decimal | None) -> dict[str, Any]:
    """The intent: words, and a JSONPath filter on direction and power in RFC 9535 form."""
    conditions = []
    if direction:
        conditions.append(f"@.resourceAttributes.direction == '{direction}'")
    if min_kw is not None:
        conditions.append(f"@.resourceAttributes.maxCapacityKw >= {min_kw.normalize():f}")
    found: dict[str, Any] = {"textSearch": text.strip()} if text.strip() else {}
    if conditions:
        found["filters"] = {"type": "jsonpath", "expression": f"$.catalogs[*].resources[?({' && '.join(conditions)})]"}
    return found
