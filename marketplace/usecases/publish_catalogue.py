"""Tell the discovery service what an operator has on sale now: its whole catalogue, in the transaction that changed it.

Without settings.BECKN_DISCOVERY_ID nothing is told to anybody: our own seller answers searches itself.
"""

from __future__ import annotations

import logging
import uuid
from datetime import datetime
from typing import Any

from django.conf import settings

from beckn import outbox
from beckn.registry import UnknownPeerError
from marketplace.models import Offer, Organisation
from marketplace.rules.errors import MarketError
from marketplace.wire.catalogue import catalogue_head, catalogues
from marketplace.wire.need import need_catalogue, open_needs

log = logging.getLogger(__name__)
DIRECTIVES = {"catalogType": "regular", "updateMode": "FULL"}


def publish_catalogue(*, organisation: Organisation, now: datetime) -> bool:
    """Send the catalogue, empty and inactive when nothing is on sale. Whether there was anybody to send it to.

    Raises MarketError when the discovery service that is set is not in the registry.
    """
    service = settings.BECKN_DISCOVERY_ID
    if not service:
        return False
    try:
        outbox.send(
            role="bpp",
            action="catalog/publish",
            message={"catalogs": [catalogue_of(organisation, now=now)]},
            to=service,
            transaction_id=uuid.uuid4(),
        )
    except UnknownPeerError as problem:
        raise MarketError(
            "NET_CATALOG_SOURCE_UNAVAILABLE",
            f"The discovery service is unknown: {problem}.",
            fix="Set BECKN_DISCOVERY_ID.",
        ) from problem
    return True


def refresh_catalogue(*, organisation: Organisation, now: datetime) -> None:
    """As publish_catalogue, where something else must not fail with it: what cannot be told is an error in the log."""
    try:
        publish_catalogue(organisation=organisation, now=now)
    except MarketError as problem:
        log.error("the catalogue of %s was not published: %s", organisation.slug, problem)


def catalogue_of(organisation: Organisation, *, now: datetime) -> dict[str, Any]:
    """Everything the organisation has on sale, or all that a grid operator needs, replacing what was published before."""
    ours = settings.BECKN_PARTICIPANTS["bpp"]
    seller, url = ours["subscriber_id"], ours["url"]
    if organisation.kind == Organisation.Kind.GRID:
        needs = need_catalogue(organisation, open_needs(now=now, of=organisation), us=seller, url=url)
        return needs | {"publishDirectives": DIRECTIVES}
    offers = (
        Offer.objects.filter(state=Offer.State.PUBLISHED, site__organisation=organisation)
        .select_related("site__organisation", "plan")
        .prefetch_related("periods")
    )
    found = catalogues(offers.order_by("start_at"), seller=seller, bpp_url=url, now=now)
    whole = found[0] if found else catalogue_head(organisation, seller=seller, bpp_url=url) | {"isActive": False}
    return whole | {"publishDirectives": DIRECTIVES}
