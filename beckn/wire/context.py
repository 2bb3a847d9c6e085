"""The envelope's context: built for what we send, and checked member by member for what we receive.

The standard's schema asks for no member at all, so presence is asked for here. The signature covers neither path nor host;
that is why action, receiver and sender are compared with where the message came in and who signed it.

A message waits in an outbox and every retry is a copy of the same bytes, so its ttl must outlast the retries: it is chosen
by whoever sends (beckn.outbox), and only the signature is made anew.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from beckn.wire.actions import ACTIONS, Action
from beckn.wire.errors import WireError

VERSION = "2.0.0"
NAMED = ("bap", "bpp")  # the roles that a context names
DEFAULT_TTL = timedelta(seconds=30)  # the standard's, when a context names none
AHEAD = timedelta(seconds=5)  # how far a peer's clock may be ahead of ours, as for signatures
UUID = re.compile("-".join(f"[0-9a-fA-F]{{{length}}}" for length in (8, 4, 4, 4, 12)))
DURATION = re.compile(
    r"P(?=[0-9T])(?:(?P<days>[0-9]{1,4})D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]{1,5})H)?(?:(?P<minutes>[0-9]{1,6})M)?(?:(?P<seconds>[0-9]{1,8})S)?)?"
)


@dataclass(frozen=True, slots=True)
class Party:
    """A participant: its subscriber id, and the base URL under which it takes actions."""

    subscriber_id: str
    url: str


def build(
    *,
    action: Action,
    us: Party,
    peer: Party,
    network_id: str,
    transaction_id: uuid.UUID,
    message_id: uuid.UUID,
    now: datetime,
    ttl: timedelta,
    role: str = "",
    peer_role: str = "",
) -> dict[str, Any]:
    """A complete context from `us` as `role` to `peer` as `peer_role` (default: the action's usual roles).

    Buyer and seller are always named, so that no copy can be used elsewhere; a discovery service has no member to be named in.
    """
    seats = {role or action.sender: us, peer_role or action.receiver: peer}
    named = {seat: party for seat, party in sorted(seats.items()) if seat in NAMED}
    ids = {
        f"{seat}{what}": value
        for seat, one in named.items()
        for what, value in (("Id", one.subscriber_id), ("Uri", one.url))
    }
    return {
        "networkId": network_id,
        "version": VERSION,
        "action": action.name,
        **ids,
        "transactionId": str(transaction_id),
        "messageId": str(message_id),
        "timestamp": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "ttl": f"PT{int(ttl.total_seconds())}S",
    }


def check(
    context: Any,
    *,
    action: str,
    us: str,
    signer: Party,
    network_id: str,
    now: datetime,
    role: str = "",
    signer_role: str = "",
) -> None:
    """Raise WireError unless the context fits the path, the signer, us, our network and the time.

    `action` is the one the URL names; `us` and `signer` are subscriber ids, the signer with its URL in the registry, each
    in its role (default: the action's usual ones).
    """
    if not isinstance(context, Mapping):
        raise WireError("CTX_MISSING_FIELD", "The body has no context object.", "/context")
    spec = ACTIONS[action]
    if not spec.is_spelt(text(context, "action")):
        raise refused("CTX_ACTION_MISMATCH", "action", f"is not {action!r}, which the URL names")
    if text(context, "version") != VERSION:
        raise refused("CTX_VERSION_UNSUPPORTED", "version", f"is not {VERSION!r}")
    if text(context, "networkId") != network_id:
        raise refused("CTX_INVALID_FIELD", "networkId", f"is not {network_id!r}, the network we belong to")
    for name in ("transactionId", "messageId"):
        check_uuid(text(context, name), name)
    check_time(context, now)
    check_signer(context, spec, signer, signer_role or spec.sender)
    check_receiver(context, spec, us, role or spec.receiver)


def refused(code: str, name: str, reason: str) -> WireError:
    """A context error naming its member."""
    return WireError(code, f"context.{name} {reason}.", f"/context/{name}")


def text(context: Mapping[str, Any], name: str) -> str:
    """A required text member."""
    value = context.get(name)
    if not isinstance(value, str) or not value:
        raise refused("CTX_MISSING_FIELD", name, "is missing or not a text")
    return value


def check_uuid(value: str, name: str) -> None:
    """Ids are UUIDs in their usual spelling."""
    if not UUID.fullmatch(value):
        raise refused("CTX_INVALID_FIELD", name, f"is {value[:60]!r}, not a UUID")


def check_time(context: Mapping[str, Any], now: datetime) -> None:
    """The message is neither from the future nor past its time to live."""
    sent = parse_instant(text(context, "timestamp"))
    if sent is None:
        raise refused("CTX_INVALID_FIELD", "timestamp", "is not a time with a zone, like 2026-01-15T17:00:00Z")
    written = context.get("ttl", "PT30S")
    ttl = parse_duration(written) if isinstance(written, str) else None
    if ttl is None:
        raise refused("CTX_INVALID_FIELD", "ttl", "is not a duration in days, hours, minutes or seconds, like PT30S")
    if sent > now + AHEAD:
        raise refused("CTX_INVALID_FIELD", "timestamp", "lies in the future")
    if sent + ttl < now:
        raise WireError("CTX_TTL_EXPIRED", f"The message lived until {sent + ttl:%Y-%m-%dT%H:%M:%S}Z.", "/context/ttl")


def parse_instant(written: str) -> datetime | None:
    """An aware time in UTC, or None."""
    try:
        moment = datetime.fromisoformat(written)
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def parse_duration(written: str) -> timedelta | None:
    """An ISO 8601 duration without years and months, whose length is not fixed, or None.

    >>> parse_duration("PT1H30M"), parse_duration("P1M")
    (datetime.timedelta(seconds=5400), None)
    """
    found = DURATION.fullmatch(written)
    return timedelta(**{unit: int(count or 0) for unit, count in found.groupdict().items()}) if found else None


def check_signer(context: Mapping[str, Any], action: Action, signer: Party, role: str) -> None:
    """Whoever signed is whoever the context says is speaking. A discovery service is known by its registry entry alone."""
    if role not in NAMED:
        return
    if text(context, f"{role}Id") != signer.subscriber_id:
        raise WireError(
            "AUT_UNAUTHORIZED_ACTION",
            f"The message is signed by {signer.subscriber_id}, which is not context.{role}Id.",
            f"/context/{role}Id",
        )
    if not action.is_callback:
        check_callback_url(context, signer, f"{role}Uri")


def check_receiver(context: Mapping[str, Any], action: Action, us: str, role: str) -> None:
    """The message is meant for us. A discover may be sent to whom it may concern; everything else names its receiver."""
    if role not in NAMED or (action.name == "discover" and "bppId" not in context):
        return
    if text(context, f"{role}Id") != us:
        raise refused("CTX_INVALID_FIELD", f"{role}Id", f"is not {us!r}, which received it")


def check_callback_url(context: Mapping[str, Any], signer: Party, name: str) -> None:
    """A request says where its answer goes, and that is the registered host: we call no other address in any case."""
    uri = context.get(name)
    if not isinstance(uri, str) or not uri:
        raise refused("CTX_CALLBACK_URL_MISSING", name, "is missing")
    try:
        same = urlsplit(uri).netloc.lower() == urlsplit(signer.url).netloc.lower()
    except ValueError:
        same = False
    if not same:
        raise refused("CTX_INVALID_FIELD", name, "is not at the host that the registry names for the sender")
