"""Receipts: the synchronous ACK or NACK to a message, signed back by the receiver, and a peer's receipt in any spelling.

Usually we answer one merged body. `status` with `signature` is what 2.0.0 LTS asks for; `message.status` is what the later
drafts and ONIX read; `error` and `message.error` say the same thing to both. A peer's profile may want one of them alone, or
the body of 1.1; those of the drafts are signed in an HTTP header, like a request. The counter-signature covers our body and the
sender's: five lines with created, expires, the digest of our body without its `signature` member, the digest of the
request, and its message id. (The standard does not say how a body excludes its own signature; this is our reading.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from beckn.wire import body
from beckn.wire.errors import WireError
from beckn.wire.signing import LIFETIME_S, Signer, digest, header, holds, parse, signing_string, value_of
from beckn.wire.v1 import error as v1_error


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a peer answered: status ACK, NACK, or empty when it cannot be read, with the code and words of a NACK."""

    status: str
    code: str = ""
    message: str = ""


def ack(*, request: bytes, message_id: str, signer: Signer, now: datetime, form: str = "merged") -> bytes:
    """The receipt of a message that is stored; `form` is a Profile's `receipts`."""
    told = FORMS[form]("ACK", message_id, None)
    if form in COUNTERSIGNED:
        return signed(told, request=request, message_id=message_id, signer=signer, now=now)
    return body.dump(told)


def nack(
    problem: WireError, *, request: bytes, message_id: str, signer: Signer, now: datetime, form: str = "merged"
) -> bytes:
    """The receipt of a message that is refused and leaves no effect. `message_id` is empty where none could be read."""
    told = FORMS[form]("NACK", message_id, problem)
    if form in COUNTERSIGNED:
        return signed(told, request=request, message_id=message_id, signer=signer, now=now)
    return body.dump(told)


def lts(status: str, message_id: str, problem: WireError | None) -> dict[str, Any]:  # noqa: ARG001 - a form
    """2.0.0 LTS and nothing else."""
    error = {"errorCode": problem.code, "errorMessage": problem.message} if problem else None
    return {"status": status} | ({"error": error} if error else {})


def onix(status: str, message_id: str, problem: WireError | None) -> dict[str, Any]:
    """The later drafts' body."""
    message: dict[str, Any] = {"status": status} | ({"messageId": message_id} if message_id else {})
    if problem:
        message["error"] = {"code": problem.code, "message": problem.message, "details": {"path": problem.path}}
    return {"message": message}


def merged(status: str, message_id: str, problem: WireError | None) -> dict[str, Any]:
    """Both at once."""
    return lts(status, message_id, problem) | onix(status, message_id, problem)


def v1(status: str, message_id: str, problem: WireError | None) -> dict[str, Any]:  # noqa: ARG001 - a form
    """The body of 1.1."""
    told: dict[str, Any] = {"message": {"ack": {"status": status}}}
    return told | ({"error": v1_error.of(problem.code, problem.message, problem.path)} if problem else {})


FORMS = {"merged": merged, "lts": lts, "onix": onix, "v1": v1}
COUNTERSIGNED = frozenset({"merged", "lts"})


def signed(told: dict[str, Any], *, request: bytes, message_id: str, signer: Signer, now: datetime) -> bytes:
    """`told` with its counter-signature."""
    created = int(now.timestamp())
    lines = counter_string(body.write(told), request, message_id, created, created + LIFETIME_S)
    value = signer.secret.sign(lines.encode()).signature
    return body.write(told | {"signature": header(signer, created, created + LIFETIME_S, value)})


def counter_string(receipt: bytes, request: bytes, message_id: str, created: int, expires: int) -> str:
    """The five signed lines."""
    return (
        f"(created): {created}\n(expires): {expires}\ndigest: {digest(receipt)}\n"
        f"(request-digest): {digest(request)}\n(message-id): {message_id}"
    )


def is_countersigned(raw: bytes, *, request: bytes, message_id: str, public_key: str) -> bool:
    """Whether receipt `raw` carries the key's counter-signature for `request`. Its age does not matter: it is evidence."""
    try:
        told = body.parse(raw)
        found = parse(str(told.pop("signature", "")))
    except WireError:
        return False
    lines = counter_string(body.dump(told), request, message_id, found.created, found.expires)
    return holds(found.value, lines, public_key)


def proof(
    raw: bytes,
    in_header: str,
    *,
    request: bytes,
    authorization: str,
    message_id: str,
    form: str,
    keys: Mapping[str, str],
) -> str:
    """Whether a peer's receipt is signed back by one of its `keys` (key id: public key): SIGNED, UNSIGNED or INVALID.

    In the drafts' form the proof is the HTTP header Signature, over the body and the signature that the request carried in
    `authorization`; in LTS it stands in the body; 1.1 has none ("").
    """
    if form == "v1":
        return ""
    try:
        written = in_header if form == "onix" else str(body.parse(raw).get("signature", ""))
        found = parse(written) if written else None
    except WireError:
        return "INVALID"
    if found is None:
        return "UNSIGNED"
    key = keys.get(found.key_id, "")
    if form == "onix":
        text = signing_string(raw, found.created, found.expires, answering=value_of(authorization))
        return "SIGNED" if found.is_chained and holds(found.value, text, key) else "INVALID"
    held = is_countersigned(raw, request=request, message_id=message_id, public_key=key)
    return "SIGNED" if held else "INVALID"


def read(raw: bytes) -> Receipt:
    """A peer's receipt as LTS, the drafts or 1.x spell it; anything else has an empty status."""
    try:
        told = body.parse(raw)
    except WireError:
        return Receipt("")
    message = inner(told, "message")
    spelt = (told.get("status"), message.get("status"), inner(message, "ack").get("status"))
    status = next((one for one in spelt if one), "")
    error = inner(told, "error") or inner(message, "error")
    return Receipt(
        status if status in ("ACK", "NACK") else "",
        str(error.get("errorCode") or error.get("code") or "")[:80],
        str(error.get("errorMessage") or error.get("message") or "")[:500],
    )


def inner(told: dict[str, Any], name: str) -> dict[str, Any]:
    """A member that should be an object; empty when it is not one."""
    value = told.get(name)
    return value if isinstance(value, dict) else {}
