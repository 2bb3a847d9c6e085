"""A participant's receipt as its profile spells it, and whether it is signed back. Reads only what came over the wire."""

from __future__ import annotations

from typing import Any

from beckn.conformance import speech
from beckn.conformance.exchange import Answer, Request
from beckn.conformance.speech import Target
from beckn.wire import body
from beckn.wire.errors import WireError


def member(told: Any, *names: str) -> Any:
    """A member of a member, or None."""
    for name in names:
        told = told.get(name) if isinstance(told, dict) else None
    return told


def status_of(profile: str, answer: Answer) -> str:
    """ACK, NACK or whatever stands in its place; empty when nothing does."""
    paths = {"lts": ("status",), "onix": ("message", "status"), "v1": ("message", "ack", "status")}
    return str(member(answer.told, *paths[profile]) or "")


def error_of(profile: str, answer: Answer) -> tuple[str, str, str]:
    """Code, words and JSON pointer of a NACK; empty texts where there are none."""
    told = answer.told
    spelt = member(told, "error") or {}
    inner = member(told, "message", "error") or {}
    first = inner if profile == "onix" else spelt
    code = member(first, "errorCode") if profile == "lts" else member(first, "code")
    words = member(first, "errorMessage") if profile == "lts" else member(first, "message")
    path = member(inner, "details", "path") or member(spelt, "details", "path") or member(spelt, "paths")
    return str(code or ""), str(words or ""), str(path or "")


def shape_problem(profile: str, answer: Answer, wanted: str) -> str:
    """What is wrong with a receipt's shape, or nothing."""
    if "application/json" not in answer.headers.get("content-type", ""):
        return f"its Content-Type is {answer.headers.get('content-type', 'missing')!r}, not application/json"
    if status_of(profile, answer) != wanted:
        return f"it does not say {wanted} where a {profile} receipt says it: {answer.body[:200]!r}"
    if profile == "lts" and not isinstance(answer.told.get("signature"), str):
        return "it has no signature member"
    if wanted == "NACK" and not all(error_of(profile, answer)[:2]):
        return f"its error lacks a code or words: {answer.body[:200]!r}"
    return ""


def signature_problem(target: Target, request: Request, answer: Answer) -> str:
    """Why a receipt is not signed back by the participant, or nothing.

    The standard does not say how a body leaves out its own signature; read here as the compact JSON without that member.
    """
    header = answer.headers.get("signature", "") if target.profile == "onix" else str(answer.told.get("signature", ""))
    named = speech.parameters(header)
    subscriber_id, _, rest = named.get("keyId", "").partition("|")
    public_key = target.public_keys.get(rest.partition("|")[0], "")
    if subscriber_id != target.subscriber_id or not public_key:
        return f"it is signed as {named.get('keyId', 'nobody')!r}, not with a registered key of {target.subscriber_id}"
    text = onix_lines(named, request, answer) if target.profile == "onix" else lts_lines(named, request, answer)
    return "" if text and speech.is_signed(text, named, public_key) else "its signature does not fit the two bodies"


def lts_lines(named: dict[str, str], request: Request, answer: Answer) -> str:
    """What an LTS counter-signature signs: both bodies and the message id."""
    try:
        told = body.parse(answer.body)
    except WireError:
        return ""
    told.pop("signature", None)
    return (
        f"(created): {named.get('created')}\n(expires): {named.get('expires')}\ndigest: {speech.digest(body.dump(told))}\n"
        f"(request-digest): {speech.digest(request.raw)}\n(message-id): {request.message_id}"
    )


def onix_lines(named: dict[str, str], request: Request, answer: Answer) -> str:
    """What the newer drafts sign: the answer's bytes, chained to the request's signature."""
    asked = speech.parameters(next((value for name, value in request.headers if name == "Authorization"), ""))
    if not named.get("created", "").isdigit() or not named.get("expires", "").isdigit():
        return ""
    times = int(named["created"]), int(named["expires"])
    return speech.signing_string(answer.body, *times, answering=asked.get("signature", ""))
