"""Catalogues pulled at once: a copy of what somebody may see, made when it is asked for and kept to be fetched."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings

from beckn.discovery.search import ENVELOPE, in_force, matches
from beckn.models import CataloguePull
from beckn.wire import body
from beckn.wire.context import parse_instant
from beckn.wire.errors import WireError
from beckn.wire.intent import Asker, Intent

LARGEST = 64 * 1024 * 1024  # bytes of one pull
MOST = 1000  # catalogues of one pull, unless a smaller limit is asked for


def make(wish: Mapping[str, Any], *, request_id: uuid.UUID, asker: Asker, now: datetime) -> CataloguePull:
    """Make the copy. INCREMENTAL takes only what was published from `fromDate` to `toDate`. Raises WireError: too much."""
    filters = wish.get("filters") or {}
    networks = filters.get("networkIds") or [asker.network_id]
    rows = in_force([name for name in networks if name == asker.network_id], now)
    if wish.get("catalogIds"):
        rows = rows.filter(catalogue_id__in=list(wish["catalogIds"]))
    if wish["mode"] == "INCREMENTAL" and not wish.get("fromDate"):
        raise WireError("SCH_REQUIRED_FIELD_MISSING", "An INCREMENTAL pull needs fromDate.", "/message/fromDate")
    for name, test in (("fromDate", "updated_at__gte"), ("toDate", "updated_at__lt")):
        moment = parse_instant(str(wish.get(name) or ""))
        rows = rows.filter(**{test: moment}) if moment else rows
    asked = Intent(types=frozenset(filters.get("schemaTypes") or ()))
    found: list[dict[str, Any]] = []
    room = LARGEST
    for catalog in matches(rows, asked, asker=asker, now=now):
        room -= body.size(catalog)
        if room < 0:
            raise WireError("NET_OVERLOADED", f"This pull is larger than {LARGEST} bytes; ask for fewer catalogues.")
        found.append(catalog)
        if len(found) == min(int(wish.get("limit") or MOST), MOST):
            break
    return CataloguePull.objects.create(
        subscriber_id=asker.subscriber_id,
        request_id=request_id,
        catalogs=body.dump({"catalogs": found}),
        made_at=now,
    )


def announcement(made: CataloguePull, *, base_url: str) -> dict[str, Any]:
    """The message of on_catalog_pull: where the copy lies, and the copy itself when a message can carry it."""
    told: dict[str, Any] = {
        "requestId": str(made.request_id),
        "status": "COMPLETE",
        "url": f"{base_url}/catalog/pull/result/{made.request_id}/catalogs.json",
    }
    fits = len(made.catalogs) <= settings.BECKN_MAX_BODY - ENVELOPE
    return told | (body.load(bytes(made.catalogs)) if fits else {})


def held_by(subscriber_id: str, request_id: uuid.UUID) -> CataloguePull:
    """The copy made for this subscriber. Raises WireError with status 404 while there is none."""
    found = CataloguePull.objects.filter(subscriber_id=subscriber_id, request_id=request_id).first()
    if found is None:
        raise WireError("BIZ_ITEM_NOT_FOUND", "There is no such result of yours, or not yet.", http_status=404)
    return found
