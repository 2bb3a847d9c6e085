"""Ask a seller for a quote on one offer of a catalogue answer."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction

from beckn import outbox
from flex_engine.timegrid import HALF_HOUR
from marketplace import notify
from marketplace.models import Organisation, Purchase, SearchResult, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.roles import Action, require
from marketplace.wire.purchase import direction_of, exact, find_offer, select_message
from marketplace.wire.series import read_column


def request_quote(
    *,
    organisation: Organisation,
    search: SearchResult,
    offer_id: str,
    kw: Decimal,
    accept_counter: bool = False,
    user: User | None = None,
    now: datetime,
) -> Purchase:
    """Send a signed select for `kw` of the offer; the quote arrives later in the Purchase. Raises MarketError.

    With `accept_counter` the seller may quote the most that is left instead of refusing; nothing is ordered by that.
    """
    if user is not None:
        require(role_of(user, organisation), Action.BUY)
    if kw <= 0:
        raise MarketError("BAD_QUANTITY", f"{kw} kW cannot be ordered.", fix="Ask for more than 0 kW.")
    offer, resource_id, seller = find_offer(exact(search.catalogs), offer_id)
    seller = seller or settings.BECKN_PARTICIPANTS["bpp"]["subscriber_id"]
    starts = sorted(offer_periods(offer))
    with transaction.atomic():
        purchase = Purchase.objects.create(
            organisation=organisation,
            transaction_id=uuid.uuid4(),
            seller_subscriber_id=seller,
            offer_id=offer_id,
            resource_id=resource_id,
            offer_name=str(offer.get("descriptor", {}).get("name", ""))[:200],
            direction=direction_of(exact(search.catalogs), resource_id),
            state=Purchase.State.QUOTING,
            requested_kw=kw,
            start_at=starts[0],
            end_at=starts[-1] + HALF_HOUR,
            created_at=now,
            updated_at=now,
        )
        outbox.send(
            role="bap",
            action="select",
            message=select_message(
                offer=offer,
                resource_id=resource_id,
                kw=kw,
                accept_counter=accept_counter,
                buyer=settings.BECKN_PARTICIPANTS["bap"]["subscriber_id"],
                seller=seller,
            ),
            to=seller,
            transaction_id=purchase.transaction_id,
        )
        notify.changed(f"purchase:{purchase.pk}", f"orders:{organisation.slug}")
    return purchase


def offer_periods(offer: Mapping[str, Any]) -> list[datetime]:
    """The half hours an offer covers, from its price column."""
    terms: Mapping[str, Any] = next(
        (i["inputs"] for i in offer["offerAttributes"]["inputs"] if i["role"] == "seller"), {}
    )
    return list(read_column(terms.get("price"), "PRICE"))
