"""How a message is heard from a peer and said to it, by its profile: the one place where 1.1 and 2.0.0 part.

Above this room there is only 2.0.0: `hear` judges a received body in the peer's own words, `understand` gives its 2.0.0
form, `say` writes a 2.0.0 body as the peer wants it. Bytes that were signed are never rewritten; they are read anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from beckn.wire import actions, body, context, schema, tolerance
from beckn.wire.context import Party
from beckn.wire.errors import WireError
from beckn.wire.profile import Profile
from beckn.wire.v1 import adapter, names, shape
from beckn.wire.v1 import context as v1_context
from beckn.wire.v1 import error as v1_error


@dataclass(frozen=True, slots=True)
class Heard:
    """A body that may be stored: its ids, and the names of what was forgiven in it."""

    message_id: str
    transaction_id: str
    forgiven: list[str]


def action_of(word: str, receiver: str) -> str:
    """The 2.0.0 action that `word`, the last part of an address of role `receiver`, means in any profile, or ""."""
    for name in (word, names.action_of(word), tolerance.ALIASES.get(word, "")):
        if actions.known(name, receiver):
            return name
    return ""


def word_of(action: str, profile: Profile) -> str:
    """What a peer of this profile calls an action."""
    return names.of(action) if profile.is_v1 else action


def check_word(word: str, action: str, profile: Profile) -> list[str]:
    """Raise WireError unless the address is one a peer of this profile may use; the tolerance that takes, if any."""
    if word == word_of(action, profile):
        return []
    if tolerance.ALIASES.get(word) == action and tolerance.allows("action-alias", profile.name):
        return ["action-alias"]
    raise WireError(
        "CTX_VERSION_UNSUPPORTED",
        f"{word} is not in Beckn {profile.version}, which you are registered for here; send {word_of(action, profile)}.",
        "/context/action",
    )


def hear(
    raw: bytes,
    *,
    profile: Profile,
    action: str,
    us: str,
    signer: Party,
    network_id: str,
    now: datetime,
    role: str,
    signer_role: str,
) -> Heard:
    """Judge identity, time and shape of a body whose signature held. Raises WireError; `action` is the 2.0.0 name."""
    told = body.parse(raw)
    check = v1_context.check if profile.is_v1 else context.check
    forgiven = tolerance.forgive(told, action=action, profile=profile.name, sides=(signer_role, role))
    check(
        told.get("context"),
        action=action,
        us=us,
        signer=signer,
        network_id=network_id,
        now=now,
        role=role,
        signer_role=signer_role,
    )
    if profile.is_v1:
        return Heard(*judged_v1(told, network_id), forgiven)
    schema.validate(told)
    return Heard(told["context"]["messageId"].lower(), told["context"]["transactionId"], forgiven)


def judged_v1(told: dict[str, Any], network_id: str) -> tuple[str, str]:
    """The ids of a body of 1.1 that is well shaped.

    What can be understood by itself is adapted at once, so that its sender hears what is wrong with it.
    """
    shape.validate(told)
    if not adapter.needs_contract(told):
        schema.validate(adapter.to_v2(told, network_id=network_id))
    return told["context"]["message_id"].lower(), told["context"]["transaction_id"]


def understand(
    raw: bytes, *, profile: Profile, action: str, network_id: str, contract: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The 2.0.0 form of stored bytes. `contract` is the deal as last journalled, for what a 1.1 message leaves out.

    Raises WireError when a 1.1 message cannot be understood even so.
    """
    told = body.parse(raw)
    if not profile.is_v1:
        tolerance.forgive(told, action=action, profile=profile.name)
        return told
    adapted = adapter.to_v2(told, network_id=network_id, contract=contract)
    schema.validate(adapted)
    return adapted


def lacks_contract(raw: bytes, profile: Profile) -> bool:
    """Whether `understand` needs the deal as last journalled."""
    return profile.is_v1 and adapter.needs_contract(body.parse(raw))


def say(told: Mapping[str, Any], *, profile: Profile, contract: Mapping[str, Any] | None = None) -> bytes:
    """The bytes of a 2.0.0 body for a peer of this profile. Raises WireError when it is not valid, TypeError when inexact.

    `contract` is the deal as last journalled: an update in 1.1 names what it changes. In 1.1 a callback may carry its error
    alone; a body without a message is that.
    """
    if profile.is_v1 and "message" not in told:
        alone = {"context": v1_context.to_v1(told["context"]), "error": v1_error.to_v1(told["error"])}
        shape.validate(alone)
        return body.dump(alone)
    raw = body.dump(dict(told))
    parsed = body.parse(raw)
    schema.validate(parsed)
    if not profile.is_v1:
        return raw
    adapted = adapter.to_v1(parsed, contract=contract)
    shape.validate(adapted)
    return body.dump(adapted)
