"""What we forgive in a received message, by name: each with the profiles that allow it, and never anything else.

Sending stays strict. Every use is counted and kept with the message (beckn.inbox), so that a peer can be told what it does
wrong. A repair works on a freshly parsed body and leaves the standard's own spelling in it; the bytes are kept as they came.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from beckn.wire.actions import ACTIONS
from beckn.wire.errors import WireError

LTS = frozenset({"lts", "lts-pure"})
ONIX = frozenset({"onix"})
V1 = frozenset({"v1"})


@dataclass(frozen=True, slots=True)
class Tolerance:
    """One thing that is forgiven: its name, what it is, and the profiles (by name) in which it is."""

    name: str
    what: str
    profiles: frozenset[str]


TOLERANCES = {
    one.name: one
    for one in (
        Tolerance("header-spelling", "The signature's parameters in another order or with spaces.", LTS | ONIX | V1),
        Tolerance("digest-label", "The digest labelled BLAKE2b-512 instead of BLAKE-512.", ONIX),
        Tolerance("unchained-callback", "An answering callback signed over three lines instead of four.", ONIX),
        Tolerance("full-header-chain", "A callback that names the whole header it answers, not its signature.", ONIX),
        Tolerance("action-alias", "An older name of an action: rating, on_rating, publish, subscribe.", LTS | ONIX),
        Tolerance("sender-receiver", "senderId, receiverId and their URIs for bapId, bppId and theirs.", LTS | ONIX),
        Tolerance("version-2", "context.version is another 2.x than 2.0.0.", ONIX),
        Tolerance("spatial-case", "A spatial operator or quantifier in lower case.", LTS | ONIX),
        Tolerance("resource-ids", "A commitment's offer without resourceIds: those of its resources.", LTS | ONIX),
        Tolerance("try", "A preview run: acknowledged without a callback and without any effect.", LTS | ONIX),
        Tolerance("core-version", "core_version in place of version.", V1),
    )
}
ALIASES = {
    "rating": "rate",
    "on_rating": "on_rate",
    "publish": "catalog/publish",
    "subscribe": "catalog/subscription",
}
OTHER_VERSION = re.compile(r"2\.[0-9]{1,3}\.[0-9]{1,3}")


def allows(name: str, profile: str) -> bool:
    """Whether tolerance `name` is granted to peers of this profile."""
    return profile in TOLERANCES[name].profiles


def forgive(told: dict[str, Any], *, action: str, profile: str, sides: tuple[str, str] = ("", "")) -> list[str]:
    """Put right in `told`, in place, what the profile forgives; the names of what was. `action` is the 2.0.0 name.

    `sides` are the roles of sender and receiver (default: the action's usual ones).

    Raises WireError where two spellings of one member contradict each other. A body that is shaped otherwise is left alone:
    the checks that follow name what is wrong with it.
    """
    context = told.get("context")
    if not isinstance(context, dict):
        return []
    usual = ACTIONS[action]
    case = Case(told, context, action, sides[0] or usual.sender, sides[1] or usual.receiver)
    return [name for name, repair in granted(profile) if repair(case)]


@dataclass(frozen=True, slots=True)
class Case:
    """A body, its context, the 2.0.0 name of the action it came for, and the roles of sender and receiver."""

    told: dict[str, Any]
    context: dict[str, Any]
    action: str
    sender: str
    receiver: str


def name_action(case: Case) -> bool:
    """An older name of the action the message came for."""
    if ALIASES.get(str(case.context.get("action"))) != case.action:
        return False
    case.context["action"] = case.action
    return True


def name_parties(case: Case) -> bool:
    """senderId and its like, by who sends the action."""
    context = case.context
    used = [(alias, name) for alias, name in aliases_of(case.sender, case.receiver) if alias in context]
    for alias, name in used:
        if context.setdefault(name, context[alias]) != context[alias]:
            raise WireError("CTX_INVALID_FIELD", f"context.{alias} and context.{name} differ.", f"/context/{alias}")
        del context[alias]
    return bool(used)


@cache
def aliases_of(sender: str, receiver: str) -> tuple[tuple[str, str], ...]:
    """Other names of the parties' members, each with the standard's, between these roles."""
    return tuple(
        (f"{side}{end}", f"{role}{'Id' if end == 'Id' else 'Uri'}")
        for side, role in (("sender", sender), ("receiver", receiver))
        for end in ("Id", "Uri", "Url")
    )


def name_version(case: Case) -> bool:
    """Another 2.x."""
    version = case.context.get("version")
    if not isinstance(version, str) or version == "2.0.0" or not OTHER_VERSION.fullmatch(version):
        return False
    case.context["version"] = "2.0.0"
    return True


def name_old_version(case: Case) -> bool:
    """core_version, in 1.1."""
    if "version" in case.context or "core_version" not in case.context:
        return False
    case.context["version"] = case.context.pop("core_version")
    return True


def raise_spatial(case: Case) -> bool:
    """Operators and quantifiers in upper case."""
    changed = False
    for constraint in listed(within(case.told, "message", "intent", "spatial")):
        for name in ("op", "quantifier"):
            word = constraint.get(name)
            if isinstance(word, str) and word != word.upper():
                constraint[name] = word.upper()
                changed = True
    return changed


def name_resources(case: Case) -> bool:
    """resourceIds from the resources beside the offer."""
    changed = False
    for commitment in commitments(case.told):
        offer, ids = commitment.get("offer"), [one.get("id") for one in listed(commitment.get("resources"))]
        if isinstance(offer, dict) and "resourceIds" not in offer and ids and all(isinstance(one, str) for one in ids):
            offer["resourceIds"] = ids
            changed = True
    return changed


def is_preview(case: Case) -> bool:
    """Whether it asks for a run without effect."""
    return case.context.get("try") is True


def commitments(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The commitments of the contract, or of the contract that is to be tracked."""
    yield from listed(within(told, "message", "contract", "commitments"))
    yield from listed(within(told, "message", "tracking", "contract", "commitments"))


def within(value: Any, *names: str) -> Any:
    """A member of a member, or None where there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def listed(value: Any) -> list[dict[str, Any]]:
    """The objects in what should be a list of them."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


Repair = Callable[[Case], bool]
REPAIRS: tuple[tuple[str, Repair], ...] = (
    ("action-alias", name_action),
    ("sender-receiver", name_parties),
    ("version-2", name_version),
    ("spatial-case", raise_spatial),
    ("resource-ids", name_resources),
    ("try", is_preview),
    ("core-version", name_old_version),
)


@cache
def granted(profile: str) -> tuple[tuple[str, Repair], ...]:
    """The repairs that peers of this profile get."""
    return tuple((name, repair) for name, repair in REPAIRS if allows(name, profile))
