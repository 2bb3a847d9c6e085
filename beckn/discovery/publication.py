"""What a seller publishes, stored whole: FULL replaces a catalogue, MERGE writes its resources and offers over those there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from beckn.models import Catalogue
from beckn.wire import body
from beckn.wire.context import Party, parse_instant
from beckn.wire.errors import WireError

MOST_ITEMS = 20_000  # resources of one catalogue
LARGEST = 32 * 1024 * 1024  # bytes of one catalogue
LONGEST_ID = 255


@dataclass(frozen=True, slots=True)
class Published:
    """What became of one catalogue: the row when it was taken, and its entry in the answer."""

    row: Catalogue | None
    result: dict[str, Any]


def publish(told: Mapping[str, Any], *, publisher: Party, network_id: str, now: datetime) -> Published:
    """Store one catalogue of `publisher`, in the caller's transaction. A catalogue of somebody else's is rejected."""
    try:
        row = store(told, publisher=publisher, network_id=network_id, now=now)
    except WireError as problem:
        error = {"errorCode": problem.code, "errorMessage": problem.message}
        return Published(None, {"catalogId": told["id"], "status": "REJECTED", "errors": [error]})
    left_out = unapplied(told)
    result: dict[str, Any] = {
        "catalogId": told["id"],
        "status": "PARTIAL" if left_out else "ACCEPTED",
        "stats": {"itemCount": row.items, "providerCount": 1},
    }
    return Published(row, result | ({"errors": left_out} if left_out else {}))


def unapplied(told: Mapping[str, Any]) -> list[dict[str, str]]:
    """What a catalogue asks of us that we do not do, in words."""
    if not (told.get("publishDirectives") or {}).get("resourceDirectives"):
        return []
    return [
        {
            "errorCode": "NET_NOT_IMPLEMENTED",
            "errorMessage": "resourceDirectives are kept but not applied: write each resource's attributes out.",
        }
    ]


def store(told: Mapping[str, Any], *, publisher: Party, network_id: str, now: datetime) -> Catalogue:
    """Write the row. Raises WireError when the catalogue cannot be taken."""
    name = str(told["id"])
    if told.get("bppId") not in (None, publisher.subscriber_id):
        raise WireError("AUT_UNAUTHORIZED_ACTION", f"Catalogue {name[:80]} names another bppId than its publisher.")
    if not name or len(name) > LONGEST_ID:
        raise WireError("SCH_SCHEMA_VALIDATION_FAILED", f"A catalogue's id has 1 to {LONGEST_ID} characters.")
    row = Catalogue.objects.select_for_update().filter(publisher=publisher.subscriber_id, catalogue_id=name).first()
    directives = told.get("publishDirectives") or {}
    merging = row is not None and directives.get("updateMode") == "MERGE"
    whole = merged(body.load(bytes(row.body)), told) if row is not None and merging else dict(told)
    whole |= {"bppId": publisher.subscriber_id, "bppUri": publisher.url}
    resources = whole.get("resources") or []
    raw = body.dump(whole)
    if len(resources) > MOST_ITEMS or len(raw) > LARGEST:
        raise WireError(
            "SCH_SCHEMA_VALIDATION_FAILED", f"A catalogue has at most {MOST_ITEMS} resources and {LARGEST} bytes."
        )
    row = row or Catalogue(publisher=publisher.subscriber_id, catalogue_id=name, version=0)
    row.network_id, row.updated_at, row.body = network_id, now, raw
    row.is_active = whole.get("isActive") is not False
    row.is_master = directives.get("catalogType") == "master"
    row.ends_at = parse_instant(str((whole.get("validity") or {}).get("endDate") or ""))
    row.types = sorted({str((one.get("resourceAttributes") or {}).get("@context", "")) for one in resources} - {""})
    row.items = len(resources)
    row.version += 1
    row.save()
    return row


def merged(held: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """The held catalogue with what was told written over it, resources and offers by id."""
    whole = {**held, **told}
    for name in ("resources", "offers"):
        by_id = {one["id"]: one for holder in (held, told) for one in holder.get(name) or []}
        if by_id or name in whole:
            whole[name] = list(by_id.values())
    return whole
