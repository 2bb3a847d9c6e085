"""The context: it must fit the path, the receiver, the sender, the version and the time."""

from __future__ import annotations

from dataclasses import replace

from beckn.conformance.exchange import Request
from beckn.conformance.kit import Kit
from beckn.conformance.rule import BPP
from beckn.conformance.rules.refusal import BAD_REQUEST, Refusal
from beckn.conformance.speech import V1_NAMES, V2, name_in

MISSING = frozenset({"CTX_MISSING_FIELD", "SCH_REQUIRED_FIELD_MISSING"})
INVALID = frozenset({"CTX_INVALID_FIELD", "SCH_INVALID_FORMAT", "SCH_SCHEMA_VALIDATION_FAILED"})
NOT_HERE = frozenset({400, 401, 403})


def other_action(kit: Kit) -> Request:
    """A context of another action than the path."""
    other = "status" if kit.target.role == "bpp" else "on_status"
    return kit.sealed(kit.told(change={"action": other}))


def no_context(kit: Kit) -> Request:
    """A body that is only a message."""
    told = kit.told()
    return kit.sealed(told, b'{"message":{}}')


def other_receiver(kit: Kit) -> Request:
    """A message to somebody else: neither path nor host is signed, so a copy could be posted here."""
    return kit.sealed(kit.told(change={f"{kit.target.role}Id": "somebody-else.example"}))


def foreign_callback(kit: Kit) -> Request:
    """A callback address at another host than the registered one."""
    return kit.sealed(kit.told(change={"bapUri": "https://elsewhere.example/bap"}))


def other_spelling(kit: Kit) -> Request:
    """Our action and version, but the members spelt as the other Beckn spells them."""
    told = kit.told()
    other = {old: new for new, old in V1_NAMES.items()} if kit.target.is_v1 else V1_NAMES
    named = {other.get(name, name): value for name, value in told["context"].items()}
    return replace(kit.sealed(told | {"context": named}), message_id=kit.message_id(told))


def other_beckn(kit: Kit) -> Request:
    """A whole message of the other Beckn, at this one's address."""
    stranger = replace(kit.target, profile="lts" if kit.target.is_v1 else "v1")
    told = replace(kit, target=stranger).told()
    request = kit.sealed(told)
    return replace(request, message_id=str(told["context"][name_in(stranger.profile, "messageId")]))


def without(member: str) -> Refusal:
    """A context that lacks a member."""
    return Refusal(
        f"context-no-{member}",
        f"A context without {member} is refused.",
        lambda kit: kit.sealed(kit.told(drop=member)),
        BAD_REQUEST,
        MISSING,
    )


CASES = (
    without("action"),
    without("version"),
    without("messageId"),
    without("transactionId"),
    without("timestamp"),
    Refusal("context-missing", "A body without a context is refused.", no_context, BAD_REQUEST, MISSING),
    Refusal(
        "context-action",
        "An action that is not the path's is refused.",
        other_action,
        BAD_REQUEST,
        frozenset({"CTX_ACTION_MISMATCH"}),
    ),
    Refusal(
        "context-version",
        "A version nobody has agreed to is refused.",
        lambda kit: kit.sealed(kit.told(change={"version": "9.9.9"})),
        BAD_REQUEST,
        frozenset({"CTX_VERSION_UNSUPPORTED"}),
    ),
    Refusal(
        "context-spelling",
        "A context spelt as the other Beckn does (snake_case in 2.0.0, camelCase in 1.1) is refused.",
        other_spelling,
        BAD_REQUEST,
        MISSING,
    ),
    Refusal(
        "context-other-beckn",
        "A whole message of the other Beckn (1.1 to a 2.0.0 address, 2.0.0 to one of 1.1) is refused.",
        other_beckn,
        BAD_REQUEST,
        MISSING | frozenset({"CTX_ACTION_MISMATCH", "CTX_VERSION_UNSUPPORTED"}),
    ),
    Refusal(
        "context-uuid",
        "A messageId that is no UUID is refused.",
        lambda kit: kit.sealed(kit.told(change={"messageId": "message-1"})),
        BAD_REQUEST,
        INVALID,
    ),
    Refusal(
        "context-ttl",
        "A message past its time to live is refused.",
        lambda kit: kit.sealed(kit.told(late_s=60)),
        BAD_REQUEST,
        frozenset({"CTX_TTL_EXPIRED"}),
    ),
    Refusal(
        "context-future",
        "A message from the future is refused.",
        lambda kit: kit.sealed(kit.told(late_s=-600)),
        BAD_REQUEST,
        INVALID,
    ),
    Refusal("context-receiver", "A message to somebody else is refused.", other_receiver, NOT_HERE),
    Refusal(
        "context-network",
        "A message of another network is refused.",
        lambda kit: kit.sealed(kit.told(change={"networkId": "elsewhere.example/other"})),
        NOT_HERE,
        profiles=V2,
    ),
    Refusal(
        "context-callback",
        "A callback address at another host than the sender's registered one is refused.",
        foreign_callback,
        NOT_HERE,
        roles=BPP,
    ),
)
RULES = tuple(case.rule for case in CASES)
