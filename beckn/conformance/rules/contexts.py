"""The context: it must fit the path, the receiver, the sender, the version and the time."""

from __future__ import annotations

from beckn.conformance.exchange import Request
from beckn.conformance.kit import Kit
from beckn.conformance.rule import BPP
from beckn.conformance.rules.refusal import BAD_REQUEST, Refusal
from beckn.conformance.speech import V2

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
