"""How the fake participant speaks each profile: its receipts and callbacks, right or with one fault. No kit's code is used."""

from __future__ import annotations

import base64
import time
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from beckn.wire import body, signing
from beckn.wire.errors import WireError
from beckn.wire.signing import Signer

V1_NAMES = {
    "bapId": "bap_id",
    "bapUri": "bap_uri",
    "bppId": "bpp_id",
    "bppUri": "bpp_uri",
    "transactionId": "transaction_id",
    "messageId": "message_id",
}
CAMEL_NAMES = {old: new for new, old in V1_NAMES.items()}
ITEM = {"id": "r1", "price": {"currency": "GBP", "value": Decimal("0.25")}}
FORGER = Signer.of("somebody-else.example", "fake-1", b"\x08" * 32)


def name(profile: str, member: str) -> str:
    """A member of the context in the profile's spelling."""
    return V1_NAMES.get(member, member) if profile == "v1" else member


def word(profile: str, action: str) -> str:
    """What the profile calls an action."""
    return action.replace("discover", "search") if profile == "v1" else action


def form_of(profile: str, fault: str) -> str:
    """In whose spelling a receipt is written."""
    return {"LTS receipts": "lts", "1.1 receipts": "v1", "flat receipts": "onix"}.get(fault, profile)


def receipt(profile: str, fault: str, named: str, problem: WireError | None = None, **more: Any) -> dict[str, Any]:
    """A receipt's body before it is signed: an ACK, or the NACK for a problem."""
    status = "NACK" if problem else "ACK"
    form = form_of(profile, fault)
    if form == "lts":
        return {"status": status, **more} | ({"error": lts_error(problem, fault)} if problem else {})
    if form == "v1":
        told: dict[str, Any] = {"message": {"ack": {"status": status}}, **more}
        error = {"error": v1_error(problem, fault)} if problem else {}
        if fault == "errors inside the message":
            told["message"] |= error
            return told
        return told | error
    message: dict[str, Any] = {"status": status, "messageId": named, **more}
    if fault == "receipts that name no message":
        del message["messageId"]
    if fault == "receipts that name another message":
        message["messageId"] = str(uuid.uuid4())
    return {"message": message | ({"error": onix_error(problem, fault)} if problem else {})}


def words_of(problem: WireError, fault: str) -> str:
    """What a NACK says."""
    return "No." if fault == "no pointers" else f"{problem.path} {problem.message}"


def lts_error(problem: WireError, fault: str) -> dict[str, Any]:
    """2.0.0 LTS."""
    return {"errorCode": problem.code, "errorMessage": words_of(problem, fault)}


def onix_error(problem: WireError, fault: str) -> dict[str, Any]:
    """The newer drafts."""
    told = {"code": problem.code, "message": words_of(problem, fault), "details": {"path": problem.path}}
    if fault == "no pointers":
        del told["details"]
    if fault == "errors in LTS words":
        told = {"errorCode": problem.code, "errorMessage": told["message"], "details": told["details"]}
    return told


def v1_error(problem: WireError, fault: str) -> dict[str, Any]:
    """1.1."""
    told = {"code": "30000", "message": words_of(problem, fault), "paths": problem.path}
    if fault == "errors in LTS words":
        return lts_error(problem, fault)
    if fault == "errors without a code":
        del told["code"]
    if fault == "errors without words":
        del told["message"]
    return told


def countersigned(told: dict[str, Any], raw: bytes, named: str, signer: Signer, fault: str) -> bytes:
    """An LTS receipt with its signature inside, over both bodies."""
    if fault == "unsigned receipts":
        return body.dump(told | {"signature": ""})
    created = int(time.time())
    about = f"\n(request-digest): {signing.digest(raw)}\n(message-id): {named}"
    if fault == "receipts that sign no request":
        about = ""
    text = signing.signing_string(body.dump(told), created, created + 300) + about
    value = signer.secret.sign(text.encode()).signature
    return body.dump(told | {"signature": signing.header(signer, created, created + 300, value)})


def seal(receipt: bytes, authorization: str, signer: Signer, fault: str) -> dict[str, str]:
    """The header that signs an onix receipt, over its bytes and the signature of the request."""
    chain = value_of(authorization)
    if fault in ("unsigned receipts", "receipts signed inside"):
        return {}
    if fault == "receipts in three lines":
        chain = ""
    if fault == "receipts chained to the whole header":
        chain = authorization
    if fault == "receipts signed by somebody else":
        signer = Signer(signer.subscriber_id, signer.key_id, FORGER.secret)
    return {"Signature": signing.sign(receipt, signer, now=datetime.now(UTC), answering=chain)}


def value_of(authorization: str) -> str:
    """The signature in a header; empty where there is none to answer."""
    try:
        return signing.value_of(authorization)
    except WireError:
        return ""


def chain(profile: str, fault: str, authorization: str) -> str:
    """What a callback is chained to."""
    if fault == "callbacks chained to the whole header":
        return authorization
    if fault == "callbacks chained to something else":
        return base64.b64encode(b"\x01" * 64).decode()
    chained = (profile == "onix") != (fault in ("callbacks in three lines", "callbacks in four lines"))
    return value_of(authorization) if chained else ""


def on_sale(profile: str, fault: str, catalogs: list[dict[str, Any]]) -> dict[str, Any]:
    """The message of an on_discover, or of the on_search it is in 1.1."""
    if profile != "v1":
        return {"catalogs": "none" if fault == "invalid callbacks" else catalogs}
    if fault == "catalogues of 2.0.0":
        return {"catalogs": []}
    items = [ITEM] if fault == "prices as numbers" else []
    return {"catalog": {"providers": [{"id": "provider-1", "items": items}]}}


def addressed(profile: str, fault: str, told: dict[str, Any], signer: Signer, url: str) -> dict[str, Any]:
    """The context of the callback to a request with the context `told`."""
    of = {member: name(profile, member) for member in V1_NAMES}
    told = told | {"action": f"on_{told['action']}", of["bppId"]: signer.subscriber_id, of["bppUri"]: url}
    told["timestamp"] = datetime.now(UTC).isoformat()
    if fault == "callbacks with new message ids":
        told[of["messageId"]] = str(uuid.uuid4())
    if fault == "callbacks with new transactions":
        told[of["transactionId"]] = str(uuid.uuid4())
    if fault == "callbacks to nobody":
        told[of["bapId"]] = "somebody-else.example"
    if fault == "callbacks named as in 2.0.0":
        told["action"] = "on_discover"
    if fault == "callbacks in camelCase":
        told = {CAMEL_NAMES.get(member, member): value for member, value in told.items()}
    return told
