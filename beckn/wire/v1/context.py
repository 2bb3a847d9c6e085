"""The envelope's context: camelCase in 2.0.0, snake_case in 1.1, the same ids and times in both."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from beckn.wire import context
from beckn.wire.context import Party
from beckn.wire.errors import WireError
from beckn.wire.v1 import names

VERSION, FAMILY = "1.1.1", "1.1."
DOMAIN = "energy:flexibility"
NAMES = {
    "bapId": "bap_id",
    "bapUri": "bap_uri",
    "bppId": "bpp_id",
    "bppUri": "bpp_uri",
    "transactionId": "transaction_id",
    "messageId": "message_id",
    "timestamp": "timestamp",
    "ttl": "ttl",
    "domain": "domain",
    "location": "location",
    "key": "key",
}


def to_v1(told: Mapping[str, Any]) -> dict[str, Any]:
    """The context of 1.1; whatever it has no word for is left out."""
    found: dict[str, Any] = {"domain": DOMAIN, "action": names.of(told["action"]), "version": VERSION}
    return found | {old: told[new] for new, old in NAMES.items() if new in told}


def to_v2(told: Mapping[str, Any], network_id: str) -> dict[str, Any]:
    """The context of 2.0.0; the network is ours, because 1.1 names none."""
    action = names.action_of(str(told.get("action", "")))
    found: dict[str, Any] = {"networkId": network_id, "version": context.VERSION, "action": action}
    # The domain of this network goes without saying in 2.0.0, which does not route by it.
    said = {old: value for old, value in told.items() if (old, value) != ("domain", DOMAIN)}
    return found | {new: said[old] for new, old in NAMES.items() if old in said}


def check(
    told: Any,
    *,
    action: str,
    us: str,
    signer: Party,
    network_id: str,
    now: datetime,
    role: str = "",
    signer_role: str = "",
) -> None:
    """Raise WireError, in the words of 1.1, unless the context fits. `action` is of 2.0.0."""
    if not isinstance(told, Mapping):
        raise WireError("CTX_MISSING_FIELD", "The body has no context object.", "/context")
    if context.text(told, "action") != names.of(action):
        raise context.refused("CTX_ACTION_MISMATCH", "action", f"is not {names.of(action)!r}, which the URL names")
    if not context.text(told, "version").startswith(FAMILY):
        raise context.refused("CTX_VERSION_UNSUPPORTED", "version", f"is not {FAMILY}x")
    try:
        context.check(
            to_v2(told, network_id),
            action=action,
            us=us,
            signer=signer,
            network_id=network_id,
            now=now,
            role=role,
            signer_role=signer_role,
        )
    except WireError as problem:
        raise in_old_words(problem) from problem


def in_old_words(problem: WireError) -> WireError:
    """The same error naming the member as 1.1 does."""
    name = problem.path.removeprefix("/context/")
    old = NAMES.get(name, name)
    message = problem.message.replace(f"context.{name}", f"context.{old}")
    return WireError(problem.code, message, f"/context/{old}", problem.http_status)
